"""The events of a payment, and how a ticket ended."""

from __future__ import annotations

EVENTS: dict[str, tuple[str, str]] = {
    "QrReady": ("QR code prêt.", "QR ready."),
    "QrShown": ("QR code affiché au client.", "QR shown to the customer."),
    "ReadyToScan": ("Scannez l’identifiant du client.", "Scan the customer’s identifier."),
    "ScanRefused": ("{reason_text}", "{reason_text}"),
    "CustomerIdentified": ("Client {beneficiary}.", "Customer {beneficiary}."),
    "AwaitingCustomer": (
        "En attente de paiement : le client valide dans son application.",
        "Waiting for the customer to validate in the app.",
    ),
    "Cancelling": ("Annulation demandée…", "Cancelling…"),
    "InDoubt": ("Résultat incertain : {reason_text}", "In doubt: {reason_text}"),
    "Approved": (
        "Validé : {received} reçus sur {asked} demandés{remainder}.",
        "Approved: {received} received of {asked} asked{remainder}.",
    ),
    "Refused": ("Le client a refusé le paiement.", "The customer refused."),
    "Failed": ("Le paiement a été rejeté.", "The payment was rejected."),
    "Expired": ("La demande a expiré.", "The request expired."),
    "Cancelled": ("La demande est annulée.", "The request is cancelled."),
    "NotStarted": (
        "La demande n’a pas pu être créée. {reason_text}",
        "The request was not created. {reason_text}",
    ),
    "LineReleased": ("Ligne libérée par un responsable.", "Line released by a supervisor."),
    "DecisionNeeded": (
        "Décision à prendre : {why_text} ({received})",
        "Decision needed: {why_text} ({received})",
    ),
    "CustomerBusy": (
        "Une autre demande attend le client dans son application : qu’il y réponde, puis présentez à nouveau.",
        "Another request waits in the customer’s app: let them answer it, then scan again.",
    ),
    "Reserved": (
        "Réservé : {reserved} sur {asked} demandés, à encaisser ou à libérer. {reason_text}",
        "Reserved: {reserved} of {asked} asked, to be captured or released. {reason_text}",
    ),
    "Released": (
        "Réservation rendue au client ({reserved}).",
        "The reservation was given back ({reserved}).",
    ),
    "SurplusReceived": (
        "Attention : {surplus} reçus en plus pour cette vente ; ils sont rendus au client.",
        "Attention: {surplus} more received for this sale; it is being given back.",
    ),
    "SurplusReversed": (
        "{surplus} reçus en plus ont été rendus.",
        "The {surplus} received in excess was given back.",
    ),
    "AmountChanged": (
        "Attention : le montant du paiement a changé, de {approved} à {received}.",
        "Attention: the amount of the payment changed from {approved} to {received}.",
    ),
    "Reversed": ("Paiement annulé : {received} rendus au client.", "Reversed: {received} given back."),
    "ReversalRefused": (
        "Annulation refusée, le paiement de {received} reste acquis. {reason_text}",
        "Reversal refused, the payment of {received} stands. {reason_text}",
    ),
    "ReversedAfterKeep": (
        "Attention : un paiement conservé de {received} a été rendu au client.",
        "Attention: a payment of {received} that was kept has been given back.",
    ),
    "TicketPrinted": ("Ticket : {outcome_text}. {detail}", "Ticket: {outcome_text}. {reason}"),
    "DeviceTrouble": ("Périphérique {device} : {detail}", "Device {device}: {reason}."),
    "JournalTrouble": ("Journal : {reason_text}", "Journal: {reason_text}"),
}

OUTCOMES: dict[str, tuple[str, str]] = {
    "printing": ("remis à l’imprimante", "handed to the printer"),
    "printed": ("imprimé", "printed"),
    "not_sent": ("non imprimé", "not printed"),
    "not_sent_again": (
        "en attente, il sortira dès que l’imprimante sera prête",
        "waiting, it comes out as soon as the printer is ready",
    ),
    "unknown": ("impression incertaine", "unknown whether it was printed"),
    "unknown_again": (
        "peut-être incomplet, un duplicata sortira dès que l’imprimante sera prête",
        "perhaps incomplete, a duplicate comes out as soon as the printer is ready",
    ),
}

REMAINDER = (", reste {0} à régler autrement", ", {0} left to pay otherwise")
