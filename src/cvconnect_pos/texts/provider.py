"""The errors of the provider, and of the export that it sends."""

from __future__ import annotations

from cvconnect_pos.texts.words import ASK_SUPPORT, Words

PROVIDER: dict[str, Words] = {
    # --- provider
    "PROVIDER_ERROR": Words(
        "Le service Chèque-Vacances n’a pas répondu comme attendu.", "Réessayez plus tard.",
        "The provider did not answer as expected.", "Try again later.",
    ),
    "PROVIDER_UNREACHABLE": Words(
        "Le service Chèque-Vacances est injoignable : rien n’a été envoyé.", "Vérifiez la connexion Internet.",
        "The provider cannot be reached: nothing was sent ({reason}).", "Check the network.",
    ),
    "PROVIDER_NO_ANSWER": Words(
        "Le service Chèque-Vacances n’a pas répondu : le résultat est inconnu.",
        "N’encaissez pas une seconde fois : la caisse vérifie.",
        "The provider did not answer: the outcome is unknown ({reason}).",
        "Do not charge again: the SDK finds out.",
    ),
    "PROVIDER_REFUSED": Words(
        "Le service Chèque-Vacances a refusé la demande.", ASK_SUPPORT[0],
        "The provider refused the request.", "See the code.",
    ),
    "INVALID_SEAL": Words(
        "Le sceau du commerçant est refusé : plus rien n’est envoyé.",
        "Vérifiez provider.seal_key et provider.seal_key_version, puis redémarrez la caisse.",
        "The merchant’s seal is refused: nothing more is sent.",
        "Check provider.seal_key and provider.seal_key_version, then restart.",
    ),
    "MERCHANT_NOT_ALLOWED": Words(
        "Ce commerçant n’est pas autorisé : plus rien n’est envoyé.",
        "Vérifiez provider.shop_id et provider.service_provider_id, puis redémarrez la caisse.",
        "This merchant is not allowed: nothing more is sent.",
        "Check provider.shop_id and provider.service_provider_id, then restart.",
    ),
    "BAD_REQUEST": Words(
        "Le service Chèque-Vacances ne comprend pas la demande.", ASK_SUPPORT[0],
        "The provider does not understand the request.", "Report it with the debug log.",
    ),
    "OPERATION_TRANSACTION_NOT_ALLOWED": Words(
        "Le service Chèque-Vacances n’autorise pas cette opération.", "Vérifiez l’état du paiement.",
        "The provider does not allow this operation now.", "Look at the payment’s state.",
    ),
    "TRANSACTION_NOT_FOUND": Words(
        "Le service Chèque-Vacances ne trouve pas cette transaction.", ASK_SUPPORT[0],
        "The provider does not find this transaction.", "Report it.",
    ),
    "BENEFICIARY_NOT_FOUND": Words(
        "Aucun compte Chèque-Vacances ne correspond à cet identifiant.", "Vérifiez-le dans l’application du client.",
        "No wallet has this identifier.", "Check it in the customer’s app.",
    ),
    "OTHER_TRANSACTION_PENDING": Words(
        "Une autre demande attend déjà dans l’application du client.",
        "Demandez au client de la valider ou de la refuser, puis recommencez.",
        "Another request waits in the customer’s app.", "Ask the customer to settle it, then scan again.",
    ),
    "INVALID_TRANSACTION_AMOUNT": Words(
        "Le service Chèque-Vacances n’accepte pas ce montant.", "Vérifiez le minimum et le montant.",
        "The provider does not accept this amount.", "Check the floor and the amount.",
    ),
    "INVALID_TRANSACTION_CURRENCY": Words(
        "Le service Chèque-Vacances n’accepte pas cette devise.", ASK_SUPPORT[0],
        "The provider does not accept this currency.", "Report it.",
    ),
    "INTERNAL_SERVER_ERROR": Words(
        "Le service Chèque-Vacances a une panne.", "La caisse réessaie de savoir.",
        "The provider has a fault.", "The SDK keeps asking.",
    ),
    # --- the provider's export (errors of the whole file, findings of a line)
    "EXPORT_ENCODING": Words(
        "L’encodage du fichier n’est pas reconnu.", "Exportez-le de nouveau, en UTF-8 si possible.",
        "The export is neither UTF-8 nor Windows-1252.", "Export it again, as UTF-8 if you can.",
    ),
    "EXPORT_TOO_LARGE": Words(
        "Le fichier est trop grand (limite : {limit} octets).", "Exportez une période plus courte.",
        "The export is too large (limit: {limit} bytes).", "Export a shorter period.",
    ),
    "EXPORT_TOO_MANY_ROWS": Words(
        "Le fichier a trop de lignes (limite : {limit}).", "Exportez une période plus courte.",
        "The export has too many rows (limit: {limit}).", "Export a shorter period.",
    ),
    "EXPORT_COLUMN_MISSING": Words(
        "La colonne « {column} » manque dans le fichier.", "Vérifiez que c’est l’export des opérations.",
        "The export has no column {column}.", "Check the file, or pass an ExportFormat that names its columns.",
    ),
    "EXPORT_COLUMN_TWICE": Words(
        "La colonne « {column} » est deux fois dans le fichier.", "Retirez l’une des deux.",
        "The export has the column {column} twice.", "Remove one of them.",
    ),
    "ROW_BROKEN": Words(
        "La ligne n’est pas lisible.", "Vérifiez ses guillemets et sa longueur.",
        "The line cannot be read.", "Check its quotes and its length.",
    ),
    "ROW_CELLS": Words(
        "La ligne n’a pas autant de colonnes que l’en-tête.", "Vérifiez ses séparateurs.",
        "The line has not as many cells as the header.", "Check its separators.",
    ),
    "ROW_TRANSACTION_UNREADABLE": Words(
        "Le numéro de transaction manque ou n’est pas lisible.", "Vérifiez la ligne auprès du fournisseur.",
        "The transaction id is missing or cannot be read.", "Check the line with the provider.",
    ),
    "ROW_AMOUNT_UNREADABLE": Words(
        "Le montant reçu manque ou n’est pas lisible.", "Vérifiez la ligne auprès du fournisseur.",
        "The amount received is missing or cannot be read.", "Check the line, and whether amounts are in cents.",
    ),
    "ROW_STATUS_UNKNOWN": Words(
        "Le statut de la ligne n’est pas connu.", "Vérifiez l’opération auprès du fournisseur.",
        "The status of the line is not known.", "Check the payment, then add the word to ExportFormat.",
    ),
    "ROW_STATUS_CONTRADICTS": Words(
        "La ligne dit que rien n’est payé, et donne un montant reçu.", "Vérifiez l’opération auprès du fournisseur.",
        "The line says that nothing is paid, and states an amount received.", "Check the payment with the provider.",
    ),
    "ROW_DATE_UNREADABLE": Words(
        "La date n’est pas lisible ; le montant est comparé quand même.", "Vérifiez la ligne.",
        "The date cannot be read; the amount is compared all the same.", "Check the line.",
    ),
    "ROW_DUPLICATE": Words(
        "La transaction est déjà à la ligne {first}.", "Ne la comptez qu’une fois.",
        "The transaction stands on line {first} already.", "Count it once.",
    ),
    "ROW_CONTRADICTS": Words(
        "Les lignes de cette transaction ne disent pas le même montant.", "Vérifiez-la auprès du fournisseur.",
        "The lines of this transaction state different amounts.", "Check it with the provider.",
    ),
    "TRANSACTION_SHARED": Words(
        "Plusieurs demandes portent la transaction {transaction_id}.", "Vérifiez-les : une seule a pu être payée.",
        "Several requests name the transaction {transaction_id}.", "Check them: one only can have been paid.",
    ),
}  # fmt: skip
