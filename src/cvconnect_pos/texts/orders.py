"""The errors of what a till asks: amounts, identifiers, references, payments."""

from __future__ import annotations

from cvconnect_pos.texts.words import ASK_SUPPORT, Words

ORDERS: dict[str, Words] = {
    "INVALID_INPUT": Words(
        "Une valeur ne convient pas.", "Vérifiez la saisie.", "An argument will not do.", "See its `field`.",
    ),
    # --- amounts
    "AMOUNT_UNREADABLE": Words(
        "Le montant saisi n’est pas lisible.", "Saisissez par exemple 12,50.",
        "The amount cannot be read.", "Type it like 12,50 or 12.50.",
    ),
    "AMOUNT_NOT_INTEGER": Words(
        "Le montant doit être un nombre entier de centimes (reçu : {type}).", ASK_SUPPORT[0],
        "The amount must be an integer number of cents (got {type}).", "Pass 4550 for 45,50 €.",
    ),
    "AMOUNT_NOT_POSITIVE": Words(
        "Le montant doit être supérieur à zéro.", "Saisissez le montant à payer.",
        "The amount must be above zero.", "Ask for a positive amount.",
    ),
    "AMOUNT_BELOW_FLOOR": Words(
        "{amount} est inférieur au minimum de {limit}.",
        "Proposez un autre moyen de paiement, ou un montant d’au moins {limit}.",
        "{amount} is below the minimum of {limit}.", "Use another tender, or ask for at least {limit}.",
    ),
    "AMOUNT_TOO_LARGE": Words(
        "Le montant dépasse {limit}.", "Vérifiez la saisie.",
        "The amount is above {limit}.", "Check what was typed.",
    ),
    # --- identifiers and references
    "BENEFICIARY_EMPTY": Words(
        "Aucun identifiant n’a été saisi.", "Scannez ou saisissez l’identifiant à 11 chiffres, ou l’e-mail du client.",
        "No identifier was given.", "Scan or type the 11 digits, or the customer’s e-mail.",
    ),
    "BENEFICIARY_SPACES": Words(
        "L’identifiant est entouré d’espaces.", "Saisissez-le sans espace avant ni après.",
        "The identifier has spaces around it.", "Give it without spaces before or after.",
    ),
    "BENEFICIARY_LENGTH": Words(
        "L’identifiant doit avoir 11 chiffres ({length} reçus).", "Vérifiez-le dans l’application du client.",
        "The identifier must have 11 digits (got {length}).", "Check it in the customer’s app.",
    ),
    "BENEFICIARY_UNREADABLE": Words(
        "Ce n’est ni un identifiant à 11 chiffres, ni une adresse e-mail.",
        "Vérifiez-le dans l’application du client.",
        "This is neither an 11-digit identifier nor an e-mail address.", "Check it in the customer’s app.",
    ),
    "ACCOUNT_UNREADABLE": Words(
        "Le numéro de compte ({field}) doit avoir {limit} chiffres.", "Vérifiez-le dans l’espace ANCV du commerçant.",
        "The account number ({field}) must have {limit} digits.", "Check it in the merchant’s ANCV space.",
    ),
    "REFERENCE_NOT_TEXT": Words(
        "Le champ {field} doit être un texte (reçu : {type}).", ASK_SUPPORT[0],
        "{field} must be a text (got {type}).", "Pass a str.",
    ),
    "REFERENCE_EMPTY": Words(
        "Le champ {field} est vide.", "Indiquez une valeur.", "{field} is empty.", "Give a value.",
    ),
    "REFERENCE_TOO_LONG": Words(
        "Le champ {field} dépasse {limit} caractères ({length}).", "Raccourcissez-le : il n’est jamais coupé.",
        "{field} is longer than {limit} characters ({length}).", "Shorten it: it is never cut.",
    ),
    "REFERENCE_UNPRINTABLE": Words(
        "Le champ {field} contient un caractère non imprimable.", "Retirez-le.",
        "{field} holds a character that cannot be printed.", "Remove it.",
    ),
    "NUMBER_OUT_OF_RANGE": Words(
        "Le champ {field} doit être un nombre entier de {least} à {most}.", ASK_SUPPORT[0],
        "{field} must be a whole number from {least} to {most}.", "Pass an int in that range.",
    ),
    "MOMENT_UNUSABLE": Words(
        "Le champ {field} n’est pas un moment utilisable.", ASK_SUPPORT[0],
        "{field} is no moment that can be used.", "Pass a datetime with a time zone, such as UTC.",
    ),
    "CHOICE_UNKNOWN": Words(
        "La valeur de « {field} » ne fait pas partie des choix.", "Choisissez parmi : {allowed}.",
        "`{field}` is none of the choices.", "Choose one of: {allowed}.",
    ),
    "WAY_UNKNOWN": Words(
        "Ce mode de paiement n’existe pas.", "Choisissez : {allowed}.",
        "There is no such way to pay.", "Choose one of: {allowed}.",
    ),
    "BENEFICIARY_MISSING": Words(
        "La saisie directe demande l’identifiant du client.", "Saisissez l’identifiant à 11 chiffres, ou l’e-mail.",
        "A keyed request needs the customer’s identifier.", "Pass beneficiary=.",
    ),
    "BENEFICIARY_UNWANTED": Words(
        "Un identifiant ne va qu’avec la saisie directe.", "Utilisez le mode « keyed ».",
        "An identifier goes only with a keyed request.", "Use way=Way.KEYED, or leave beneficiary out.",
    ),
    # --- payments
    "NOT_ALLOWED_NOW": Words(
        "Cette action n’est pas possible maintenant (paiement {state}).", "Attendez la fin de l’opération en cours.",
        "{action} is not possible while the payment is {state}.", "Wait for the next event.",
    ),
    "NO_TICKET": Words(
        "Cette opération n’a pas de ticket (état {state}).",
        "Il y en a un quand le client a payé, réservé ou refusé, et quand la demande a expiré ou est annulée.",
        "This operation has no ticket ({state}).",
        "There is one once the customer has paid, reserved or refused, and once the request has expired or is cancelled.",
    ),
    "TICKET_NOT_DUE": Words(
        "Ce ticket ne sortira plus : l’opération a changé depuis, ou il a attendu trop longtemps.",
        "Regardez où elle en est, puis réimprimez son ticket.",
        "This ticket will not come out: the operation has changed since, or it waited for too long.",
        "See how it stands, then call reprint().",
    ),
    "ATTEMPT_STILL_OPEN": Words(
        "Le panier {basket_ref} a déjà une demande en cours ou non enregistrée.",
        "Terminez-la ou enregistrez son résultat avant d’en créer une autre.",
        "Basket {basket_ref} has an attempt that is open or not acknowledged ({request_id}).",
        "Settle it and acknowledge() it first.",
    ),
    "REQUEST_ID_REUSED": Words(
        "Cette référence de demande a déjà servi pour une autre opération.", ASK_SUPPORT[0],
        "The request id {request_id} was used with other arguments.", "Use a new request_id for a new request.",
    ),
    "REQUEST_UNKNOWN": Words(
        "Cette demande est inconnue du journal.", "Vérifiez sa référence.",
        "The journal knows no request {request_id}.", "Check the request_id.",
    ),
    "WAIT_TIMEOUT": Words(
        "Le paiement n’est pas terminé.", "Attendez encore, ou annulez.",
        "The payment is not over.", "Wait again, or cancel.",
    ),
    "STATION_CLOSED": Words(
        "La caisse CVConnect est fermée.", "Rouvrez-la.", "The station is closed.", "Open it again.",
    ),
    "NO_PRINTER": Words(
        "Cette caisse n’a pas d’imprimante.", "Indiquez-la dans [printer] du fichier de la station.",
        "This till has no printer.", "Name one in [printer] of the station file.",
    ),
}  # fmt: skip
