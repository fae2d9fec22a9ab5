"""The reasons of labels and devices, and the errors of what is around them."""

from __future__ import annotations

from cvconnect_pos.texts.words import ASK_SUPPORT, Words

DEVICES: dict[str, Words] = {
    # --- labels and devices (reasons of events)
    "PRODUCT_CODE": Words(
        "Code produit lu.", "Présentez l’identifiant Chèque-Vacances.",
        "A product code was read.", "Present the Chèque-Vacances identifier.",
    ),
    "DAMAGED": Words(
        "Lecture incomplète.", "Scannez de nouveau.", "A damaged read.", "Scan again.",
    ),
    "NOT_AN_IDENTIFIER": Words(
        "Ce code n’est pas un identifiant Chèque-Vacances.", "Présentez l’identifiant de l’application.",
        "This code is no Chèque-Vacances identifier.", "Present the identifier of the app.",
    ),
    "LAYOUT_MISMATCH": Words(
        "Le lecteur et la caisse n’ont pas la même disposition de clavier.",
        "Éteignez le verrouillage des majuscules, scannez de nouveau ; sinon lancez « cvconnect scanner setup ».",
        "The scanner and the till are set to different keyboard layouts.",
        "Switch CapsLock off and scan again; otherwise run `cvconnect scanner setup`.",
    ),
    "SYMBOLOGY": Words(
        "Cette caisse ne prend pas ce type de code.", "Présentez l’identifiant de l’application.",
        "This till does not take this kind of code.", "Present the identifier of the app.",
    ),
    "QR_NOT_SHOWN": Words(
        "Aucun écran client n’affiche le QR code.", "Scannez l’identifiant du client, ou vérifiez l’écran.",
        "No customer display shows the QR.", "Scan the customer’s identifier, or check the display.",
    ),
    "CANCEL_CROSSED": Words(
        "Le client a payé pendant l’annulation.", "Gardez le paiement ou remboursez-le.",
        "The customer paid while you cancelled.", "Keep it or reverse it.",
    ),
    "REVERSAL_WITHOUT_EFFECT": Words(
        "Le service a accepté l’annulation, mais le paiement est toujours là.", ASK_SUPPORT[0],
        "The provider took the reversal, and the payment still stands.", "Report it to the provider.",
    ),
    "LATE_PAYMENT": Words(
        "Le paiement est arrivé après la fin de la demande.", "Gardez-le ou remboursez-le.",
        "The payment came after the end of the request.", "Keep it or reverse it.",
    ),
    "OVERPAID": Words(
        "Le montant reçu dépasse le montant demandé.", "Gardez-le ou remboursez-le.",
        "More was received than asked.", "Keep it or reverse it.",
    ),
    "ACCESS_DENIED": Words(
        "Le service Chèque-Vacances refuse l’accès à cette caisse.",
        "Vérifiez la clé et le commerçant, puis autorisez un nouvel essai : cvconnect check --retry-credential.",
        "The provider denies access to this till.",
        "Check key and merchant, then allow another attempt: cvconnect check --retry-credential.",
    ),
    "QR_FIRST": Words(
        "Un client a déjà scanné le QR code : l’identifiant lu n’est pas utilisé.",
        "Attendez sa réponse, ou annulez.",
        "A customer has scanned the QR already: the identifier is not used.", "Wait for the answer, or cancel.",
    ),
    "QR_NOT_CLOSED": Words(
        "Le QR code n’a pas pu être fermé : l’identifiant lu n’est pas utilisé.",
        "La demande est annulée ; recommencez ensuite.",
        "The QR could not be closed: the identifier is not used.", "The request is cancelled; ask again then.",
    ),
    "OTHER_CUSTOMER": Words(
        "Ce client n’est pas celui à qui la demande a peut-être été envoyée.",
        "Présentez le même identifiant, ou annulez et recommencez.",
        "This is not the customer to whom the request may have been sent.",
        "Present the same identifier, or cancel and ask again.",
    ),
    "SURPLUS_UNREADABLE": Words(
        "Une autre demande de cette vente est payée, d’un montant illisible ; elle est annulée.", ASK_SUPPORT[0],
        "Another request of this sale is paid, with an amount that cannot be read; it is being cancelled.",
        "Report it to the provider if it stays.",
    ),
    "OUTCOME_CHANGED": Words(
        "Le résultat a changé depuis qu’il a été lu.", "Relisez-le, enregistrez-le, puis recommencez.",
        "The result has changed since it was read.", "Read it again, record it, then acknowledge.",
    ),
    "LATE_CAPTURE": Words(
        "L’encaissement demandé a abouti plus tard que prévu.", "Gardez le paiement ou remboursez-le.",
        "The capture that was asked went through late.", "Keep it or reverse it.",
    ),
    "SEVERAL_PAYERS": Words(
        "Plusieurs clients ont payé cette demande.", "Gardez le paiement ou remboursez-le.",
        "Several customers paid this request.", "Keep it or reverse it.",
    ),
    "UNEXPECTED_PAYER": Words(
        "Un autre client que celui de la demande a payé.", "Gardez le paiement ou remboursez-le.",
        "Another customer than the one asked has paid.", "Keep it or reverse it.",
    ),
    "CAPTURED_UNASKED": Words(
        "La réservation a été encaissée sans que la caisse le demande.", "Gardez le paiement ou remboursez-le.",
        "The reservation was captured although the till did not ask.", "Keep it or reverse it.",
    ),
    "LATE_RESERVATION": Words(
        "La réservation est arrivée après la fin de la demande.", "Encaissez-la ou libérez-la.",
        "The reservation came after the end of the request.", "Capture it or release it.",
    ),
    "CAPTURE_WITHOUT_EFFECT": Words(
        "Le service a accepté l’encaissement, mais le montant est toujours seulement réservé.", ASK_SUPPORT[0],
        "The provider took the capture, and the money is still only reserved.", "Report it to the provider.",
    ),
    "RELEASE_WITHOUT_EFFECT": Words(
        "Le service a accepté la libération, mais le montant est toujours réservé.", ASK_SUPPORT[0],
        "The provider took the release, and the money is still reserved.", "Report it to the provider.",
    ),
    "AMOUNT_CHANGED": Words(
        "Le montant du paiement a changé après coup.", "Vérifiez la vente, et corrigez-la si besoin.",
        "The amount of the payment changed afterwards.", "Check the sale, and correct it.",
    ),
    "SETTLED_OTHERWISE": Words(
        "La vente a été payée autrement : ce paiement est rendu au client.", "Rien à faire.",
        "The sale was paid by other means: this payment goes back to the customer.", "Nothing to do.",
    ),
    "REVERSAL_TOO_LATE": Words(
        "Le délai d’annulation de {hours} heures est passé : le remboursement n’est plus possible ici.",
        "Remboursez le client par un autre moyen, ou adressez-vous à l’ANCV.",
        "The {hours} hours in which a payment can be reversed are over: no refund is available here.",
        "Pay the customer back by other means, or ask the ANCV.",
    ),
    "CAPTURE_OUT_OF_RANGE": Words(
        "Le montant à encaisser doit être compris entre 0,01 € et le montant réservé ({reserved}).",
        "Corrigez le montant.",
        "The amount to capture must lie between 0.01 € and what is reserved ({reserved}).", "Correct the amount.",
    ),
    "DELAY_OUT_OF_RANGE": Words(
        "Le délai accordé au client doit être compris entre {least} et {most} secondes.", "Corrigez « delay_s ».",
        "The time given to the customer must lie between {least} and {most} seconds.", "Correct `delay_s`.",
    ),
    "DELAY_UNWANTED": Words(
        "Un délai ne convient qu’à une demande différée.", "Retirez « delay_s », ou demandez way=« deferred ».",
        "Only a deferred request has a delay.", 'Leave `delay_s` out, or ask with way="deferred".',
    ),
    "LINE_NOT_RELEASABLE": Words(
        "La demande peut encore être payée : attendez son expiration, ou donnez une raison.",
        "Réessayez après {at}, ou indiquez une raison.",
        "The request can still be paid: wait for its expiry, or give a reason.", "Try after {at}, or give a reason.",
    ),
    "PAYMENT_ELSEWHERE": Words(
        "Ce paiement est suivi par un autre programme de cette caisse.",
        "Agissez depuis cet autre programme, ou réessayez dans un instant s’il est fermé.",
        "Another process of this till drives this payment.", "Act there, or try again soon if it is closed.",
    ),
    "PROVIDER_DOWN": Words(
        "Le service Chèque-Vacances ne répond pas.", "Prenez un autre moyen de paiement, ou réessayez dans {seconds} s.",
        "The provider does not answer.", "Take another tender, or try again in {seconds} s.",
    ),
    "PATIENCE": Words(
        "Le délai est dépassé.", "Recommencez si le client est encore là.",
        "The time is over.", "Ask again if the customer is still there.",
    ),
    "UNREADABLE_ANSWER": Words(
        "La réponse du service n’est pas lisible.", "Attendez : la caisse vérifie.",
        "The provider’s answer cannot be read.", "Wait: the SDK asks again.",
    ),
    "INTERRUPTED": Words(
        "La caisse a été interrompue avant la création de la demande.", "Recommencez.",
        "The till was interrupted before the request was created.", "Ask again.",
    ),
    "INTERNAL": Words(
        "Une erreur inattendue s’est produite.", ASK_SUPPORT[0], "An unexpected fault.", "Report it.",
    ),
}  # fmt: skip
