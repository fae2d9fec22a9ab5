"""The words themselves, in French and English: data, and nothing else. `messages` reads them.

Every text says what happened and what to do, in the form of politeness, without blame and without a secret.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A text and its remedy, in both languages."""

    fr: str
    fr_remedy: str
    en: str
    en_remedy: str


_ASK_SUPPORT = ("Contactez votre assistance.", "Contact your support.")

ERRORS: dict[str, Words] = {
    "INVALID_INPUT": Words(
        "Une valeur ne convient pas.", "Vérifiez la saisie.", "An argument will not do.", "See its `field`.",
    ),
    # --- amounts
    "AMOUNT_UNREADABLE": Words(
        "Le montant saisi n’est pas lisible.", "Saisissez par exemple 12,50.",
        "The amount cannot be read.", "Type it like 12,50 or 12.50.",
    ),
    "AMOUNT_NOT_INTEGER": Words(
        "Le montant doit être un nombre entier de centimes (reçu : {type}).", _ASK_SUPPORT[0],
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
        "Le champ {field} doit être un texte (reçu : {type}).", _ASK_SUPPORT[0],
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
        "Le champ {field} doit être un nombre entier de {least} à {most}.", _ASK_SUPPORT[0],
        "{field} must be a whole number from {least} to {most}.", "Pass an int in that range.",
    ),
    "MOMENT_UNUSABLE": Words(
        "Le champ {field} n’est pas un moment utilisable.", _ASK_SUPPORT[0],
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
    "ATTEMPT_STILL_OPEN": Words(
        "Le panier {basket_ref} a déjà une demande en cours ou non enregistrée.",
        "Terminez-la ou enregistrez son résultat avant d’en créer une autre.",
        "Basket {basket_ref} has an attempt that is open or not acknowledged ({request_id}).",
        "Settle it and acknowledge() it first.",
    ),
    "REQUEST_ID_REUSED": Words(
        "Cette référence de demande a déjà servi pour une autre opération.", _ASK_SUPPORT[0],
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
    # --- journal
    "JOURNAL_UNAVAILABLE": Words(
        "Le journal {path} est inaccessible : aucune demande n’est envoyée.", "Vérifiez le disque et les droits.",
        "The journal {path} cannot be used: nothing is sent.", "Check the disk and the access rights.",
    ),
    "JOURNAL_LOCKED": Words(
        "Le journal {path} est utilisé par un autre programme.", "Fermez l’autre programme.",
        "The journal {path} is in use by another process.", "Close the other process.",
    ),
    "JOURNAL_MOVED": Words(
        "Une autre caisse a déjà écrit sur la demande {request_id}.", "Relisez son état, puis recommencez si besoin.",
        "Another till has already written to request {request_id} (entry {newest}, not {after}).",
        "Read where it stands, then decide again.",
    ),
    "JOURNAL_TAKEN": Words(
        "Une autre caisse traite maintenant la demande {request_id}.", "Relisez son état, puis recommencez si besoin.",
        "Another till acts on request {request_id} now.", "Read where it stands, then decide again.",
    ),
    "JOURNAL_IN_USE": Words(
        "Le journal {path} est ouvert ailleurs ({count} autre(s) programme(s)) : cette opération demande à être seul.",
        "Fermez les autres caisses de ce poste, puis recommencez.",
        "The journal {path} is open elsewhere ({count} other(s)), and this needs it alone.",
        "Close the other tills of this host, then try again.",
    ),
    "JOURNAL_ON_NETWORK": Words(
        "Le journal {path} est sur un disque réseau ({kind}) : il n’y serait pas sûr.",
        "Mettez-le sur un disque de ce poste.",
        "The journal {path} lies on a network file system ({kind}), where it would not be safe.",
        "Put it on a disk of this host.",
    ),
    "JOURNAL_DISK_FULL": Words(
        "Le disque est plein : aucune demande n’est envoyée.", "Libérez de la place sur le disque.",
        "The disk is full: nothing is sent.", "Free some space.",
    ),
    "JOURNAL_READ_ONLY": Words(
        "Le journal {path} est en lecture seule.", "Vérifiez les droits du fichier et du dossier.",
        "The journal {path} is read-only.", "Check the rights of the file and its folder.",
    ),
    "JOURNAL_DAMAGED": Words(
        "Le journal {path} est endommagé : aucune demande n’est envoyée.", "N’y touchez pas. " + _ASK_SUPPORT[0],
        "The journal {path} is damaged: nothing is sent.", "Leave it as it is and contact your support.",
    ),
    "JOURNAL_FOREIGN": Words(
        "Le fichier {path} n’est pas un journal de cvconnect-pos.", "Choisissez un autre fichier.",
        "The file {path} is no journal of cvconnect-pos.", "Choose another file.",
    ),
    "JOURNAL_VERSION": Words(
        "Le journal {path} vient d’une autre version (schéma {version}).", "Mettez le logiciel à jour.",
        "The journal {path} has schema {version}, which this version does not know.", "Update the software.",
    ),
    "JOURNAL_MISSING": Words(
        "Le journal {path} est introuvable.", "Vérifiez le chemin.",
        "There is no journal {path}.", "Check the path.",
    ),
    "JOURNAL_CHAIN_BROKEN": Words(
        "L’écriture {seq} du journal {path} n’est plus celle qui a été écrite : aucune demande n’est envoyée.",
        "N’y touchez pas. Lancez « cvconnect journal verify » et contactez votre assistance.",
        "Entry {seq} of the journal {path} is not what was written ({fault}): nothing is sent.",
        "Leave it as it is, run `cvconnect journal verify` and contact your support.",
    ),
    "JOURNAL_ROLLED_BACK": Words(
        "Le journal {path} est revenu en arrière : il s’arrête à l’écriture {seq}, le témoin connaît la {head_seq}.",
        "Remettez le fichier le plus récent. S’il est perdu, lancez « cvconnect journal restore-head --accept-loss ».",
        "The journal {path} went back: it ends with entry {seq}, and its head names entry {head_seq}.",
        "Put the newest file back. If it is lost, run `cvconnect journal restore-head --accept-loss`.",
    ),
    "JOURNAL_HEAD_MISSING": Words(
        "Le témoin {head} du journal {path} manque ou n’est pas lisible.",
        "Remettez-le, ou refaites-le avec « cvconnect journal restore-head » si vous savez pourquoi il manque.",
        "The head {head} of the journal {path} is missing or unreadable.",
        "Put it back, or make it anew with `cvconnect journal restore-head` if you know why it is missing.",
    ),
    "JOURNAL_KEYS_MISSING": Words(
        "Les clés du journal sont introuvables ({keys}).",
        "Remettez-les : ce journal s’en est déjà servi. Si elles sont perdues, lancez « cvconnect journal new-keys ».",
        "The journal’s keys cannot be found ({keys}).",
        "Put them back: this journal has used them. If they are lost, run `cvconnect journal new-keys`.",
    ),
    "JOURNAL_KEYS_PRESENT": Words(
        "Les clés du journal sont là ({keys}) : il n’en faut pas de nouvelles.",
        "Pour en changer, lancez « cvconnect journal rotate-key ».",
        "The journal’s keys are there ({keys}): no new ones are needed.", "To replace them, run `cvconnect journal rotate-key`.",
    ),
    "JOURNAL_KEYS_EXPOSED": Words(
        "D’autres comptes peuvent lire les clés du journal ({keys}).",
        "Réservez ce fichier au compte de la caisse : chmod 600.",
        "Other accounts can read the journal’s keys ({keys}).", "Let only the till’s account read them: chmod 600.",
    ),
    "JOURNAL_KEYS_UNREADABLE": Words(
        "Les clés du journal ne sont pas lisibles ({keys}).", "Vérifiez les droits, ou remettez la copie de sauvegarde.",
        "The journal’s keys cannot be read ({keys}).", "Check the access rights, or put the backup back.",
    ),
    "JOURNAL_KEYRING_MISSING": Words(
        "Les clés du journal ({keys}) demandent le paquet Python « {package} ».",
        "Installez-le : pip install {package}",
        "The journal’s keys ({keys}) need the Python package `{package}`.", "Install it: pip install {package}",
    ),
    "DAY_HAS_OPEN_ITEMS": Words(
        "La journée ne peut pas être clôturée : {count} opération(s) en attente ({items}).",
        "Terminez-les ou enregistrez leur résultat, puis recommencez.",
        "The day cannot be closed: {count} attempt(s) are open or not acknowledged ({items}).",
        "Settle them and acknowledge() them, then close again.",
    ),
    "DAY_BEFORE_LAST": Words(
        "La journée du {day} ne peut plus être clôturée : celle du {last} l’est déjà.", "Clôturez une date plus récente.",
        "The day {day} cannot be closed any more: {last} is closed already.", "Close a later day.",
    ),
    "DAY_NOT_BEGUN": Words(
        "La journée du {day} n’est pas commencée : elle ne peut pas être clôturée.",
        "Vérifiez la date et l’horloge de la caisse.",
        "The day {day} cannot be closed: today is {today} in Paris.", "Close today or an earlier day; check the clock.",
    ),
    "DAY_NOT_A_DATE": Words(
        "La journée à clôturer doit être une date (reçu : {type}).", _ASK_SUPPORT[0],
        "The day to close must be a date (got {type}).", "Pass a datetime.date, not a datetime.",
    ),
    "JOURNAL_CLOSED": Words(
        "Le journal est fermé.", "Rouvrez la caisse.", "The journal is closed.", "Open the station again.",
    ),
    # --- station file
    "CONFIG_MISSING": Words(
        "Le fichier {file} est introuvable.", "Créez-le, ou indiquez un autre chemin.",
        "There is no file {file}.", "Create it, or name another path.",
    ),
    "CONFIG_SYNTAX": Words(
        "Le fichier {file} n’est pas du TOML valide : {detail_fr}.", "Corrigez cette ligne.",
        "{file} is no valid TOML: {detail}.", "Correct that line.",
    ),
    "CONFIG_INVALID": Words(
        "{file} : la valeur de « {key} » ne convient pas ({detail_fr}).", "Corrigez cette clé.",
        "{file}: the value of `{key}` will not do ({detail}).", "Correct this key.",
    ),
    "CONFIG_UNKNOWN_KEY": Words(
        "{file} : la clé « {key} » est inconnue.", "Retirez-la, ou vérifiez son orthographe ({allowed}).",
        "{file}: the key `{key}` is unknown.", "Remove it, or check its spelling ({allowed}).",
    ),
    "CONFIG_KEY_MISSING": Words(
        "{file} : la clé « {key} » manque.", "Ajoutez-la.",
        "{file}: the key `{key}` is missing.", "Add it.",
    ),
    "CONFIG_SECRET": Words(
        "{file} : le secret désigné par « {key} » est introuvable ({source}).",
        "Définissez-le : un secret ne figure jamais dans ce fichier.",
        "{file}: the secret that `{key}` names cannot be found ({source}).",
        "Set it there: a secret never stands in this file.",
    ),
    "CONFIG_DEVICE": Words(
        "{file} : aucun pilote pour « {url} » ({key}).", "Pilotes disponibles : {allowed}.",
        "{file}: no driver for `{url}` ({key}).", "Drivers that are installed: {allowed}.",
    ),
    "CONFIG_EXTRA_MISSING": Words(
        "{file} : « {key} » demande le paquet Python « {package} ».", "Installez-le : pip install {package}",
        "{file}: `{key}` needs the Python package `{package}`.", "Install it: pip install {package}",
    ),
    "CONFIG_DEVICE_REFUSED": Words(
        "{file} : « {key} » : {detail}", "Corrigez cette clé.",
        "{file}: `{key}`: {detail}", "Correct this key.",
    ),
    "PROVIDER_URL": Words(
        "{file} : l’adresse du fournisseur n’est pas acceptée ({key}).",
        "Utilisez https:// ; http:// n’est permis que vers cette machine, hors production.",
        "{file}: the provider’s address is not accepted ({key}).",
        "Use https://; http:// is allowed only to this machine, outside production.",
    ),
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
        "Le service Chèque-Vacances a refusé la demande.", _ASK_SUPPORT[0],
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
        "Le service Chèque-Vacances ne comprend pas la demande.", _ASK_SUPPORT[0],
        "The provider does not understand the request.", "Report it with the debug log.",
    ),
    "OPERATION_TRANSACTION_NOT_ALLOWED": Words(
        "Le service Chèque-Vacances n’autorise pas cette opération.", "Vérifiez l’état du paiement.",
        "The provider does not allow this operation now.", "Look at the payment’s state.",
    ),
    "TRANSACTION_NOT_FOUND": Words(
        "Le service Chèque-Vacances ne trouve pas cette transaction.", _ASK_SUPPORT[0],
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
        "Le service Chèque-Vacances n’accepte pas cette devise.", _ASK_SUPPORT[0],
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
        "Le service a accepté l’annulation, mais le paiement est toujours là.", _ASK_SUPPORT[0],
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
        "Une autre demande de cette vente est payée, d’un montant illisible ; elle est annulée.", _ASK_SUPPORT[0],
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
        "Le service a accepté l’encaissement, mais le montant est toujours seulement réservé.", _ASK_SUPPORT[0],
        "The provider took the capture, and the money is still only reserved.", "Report it to the provider.",
    ),
    "RELEASE_WITHOUT_EFFECT": Words(
        "Le service a accepté la libération, mais le montant est toujours réservé.", _ASK_SUPPORT[0],
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
        "Une erreur inattendue s’est produite.", _ASK_SUPPORT[0], "An unexpected fault.", "Report it.",
    ),
}  # fmt: skip

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

REPORTS: dict[str, tuple[str, str]] = {
    "settlement": (
        "Virements attendus cinq jours ouvrés après l’encaissement (dates estimées)",
        "Transfers expected five working days after the payment (estimated dates)",
    ),
    "settlement_none": ("Aucun virement attendu.", "No transfer is expected."),
    "settlement_day": ("Encaissé le", "Received on"),
    "settlement_payments": ("Opérations", "Payments"),
    "settlement_kept": ("Montant", "Amount"),
    "settlement_transfer": ("Virement estimé", "Estimated transfer"),
    "settlement_about": ("vers le {date}", "about {date}"),
    "settlement_reversed": ("Annulé, non compris : {amount}", "Reversed, not included: {amount}"),
    "settlement_reversed_later": (
        "Dont annulé un autre jour, peut-être déduit ce jour-là : {amount}",
        "Of it reversed on another day, perhaps deducted there: {amount}",
    ),
    "settlement_undecided": (
        "À décider (garder ou rembourser), non compris : {amount}",
        "To be decided (keep or reverse), not included: {amount}",
    ),
    "settlement_surplus": (
        "Trop perçu, à rendre, non compris : {amount}",
        "Too much, to be given back, not included: {amount}",
    ),
    "operations_none": ("Aucune opération.", "No operation."),
    "operations_more": (
        "Il y en a de plus anciennes : ajoutez --before {before}.",
        "There are older ones: give before={before}.",
    ),
    "operation_created": ("Créée le", "Created"),
    "operation_status": ("Statut", "Status"),
    "operation_asked": ("Demandé", "Asked"),
    "operation_received": ("Reçu", "Received"),
    "operation_remaining": ("Reste à payer", "Left to pay"),
    "operation_changed": ("modifiée le {at}", "changed {at}"),
    "operation_reserved": ("Réservé, non encaissé : {amount}", "Reserved, not captured: {amount}"),
    "operation_needs": ("À voir", "To do"),
    "seller": ("vendeur {seller_id}", "seller {seller_id}"),
    "customer_ref": ("réf. client {customer_ref}", "customer reference {customer_ref}"),
    "way_qr": ("QR code", "QR code"),
    "way_scan": ("douchette", "scanner"),
    "way_either": ("QR code ou douchette", "QR code or scanner"),
    "way_keyed": ("saisie", "keyed"),
    "way_deferred": ("différé", "deferred"),
    "status_PENDING": ("En attente de paiement", "Waiting for payment"),
    "status_APPROVED": ("Validé", "Approved"),
    "status_CANCELLING": ("Annulation en cours", "Being cancelled"),
    "status_CANCELLED": ("Annulé", "Cancelled"),
    "status_EXPIRED": ("Expiré", "Expired"),
    "status_REFUSED": ("Refusé", "Refused"),
    "status_FAILED": ("Rejeté", "Rejected"),
    "status_NOT_CREATED": ("Non créé", "Not created"),
    "status_RESERVED": ("Réservé", "Reserved"),
    "status_RELEASED": ("Libéré", "Released"),
    "status_DECIDING": ("À décider", "To be decided"),
    "status_REVERSING": ("Remboursement en cours", "Being reversed"),
    "status_REVERSED": ("Remboursé", "Reversed"),
    "status_IN_DOUBT": ("Incertain", "In doubt"),
    "status_LINE_RELEASED": ("Ligne libérée", "Line released"),
    "need_SURPLUS": ("trop perçu, {amount} à rendre", "{amount} too much, to be given back"),
    "need_DECISION": ("payé, à garder ou à rembourser", "paid, to be kept or reversed"),
    "need_DOUBT": ("réponse du fournisseur illisible", "the provider’s answer cannot be read"),
    "need_RELEASED_LINE": ("ligne libérée, toujours surveillée", "the line was freed, still watched"),
    "need_CHANGED": ("modifié par le fournisseur après coup", "changed by the provider afterwards"),
    "need_UNRECORDED": ("terminé, non enregistré par la caisse", "over, not recorded by the till"),
    "need_RESERVED": ("réservé, à encaisser ou à libérer", "reserved, to be captured or released"),
    "need_WAITING": ("différé, le client a encore le temps", "deferred, the customer still has time"),
    "need_UNFINISHED": ("en cours", "going on"),
    "todo_SURPLUS": (
        "La caisse le rend au client ; si elle n’y parvient pas, rendez-le avant la fin du délai de 4 heures.",
        "The till gives it back; where it cannot, reverse it before the window of 4 hours ends.",
    ),
    "todo_DECISION": (
        "À la caisse, un responsable choisit de garder le paiement ou de le rembourser.",
        "At the till, a supervisor keeps the payment or reverses it.",
    ),
    "todo_DOUBT": (
        "Ouvrez la caisse : elle redemande. Sinon, vérifiez la transaction dans l’espace ANCV du commerçant.",
        "Open the till: it asks again. Otherwise check the transaction in the merchant’s ANCV space.",
    ),
    "todo_RELEASED_LINE": (
        "Rien : la caisse continue de la surveiller.",
        "Nothing: the till goes on watching it.",
    ),
    "todo_CHANGED": (
        "Corrigez l’encaissement dans la caisse, puis faites-lui enregistrer ce résultat.",
        "Correct the sale at the till, then let it record this result.",
    ),
    "todo_UNRECORDED": (
        "Ouvrez la caisse : elle reprend le résultat et l’enregistre.",
        "Open the till: it takes up the result and records it.",
    ),
    "todo_RESERVED": (
        "Encaissez ou libérez la réservation avant son échéance.",
        "Capture or release the reservation before it ends.",
    ),
    "todo_WAITING": (
        "Rien : la réponse du client est attendue.",
        "Nothing: the customer’s answer is awaited.",
    ),
    "todo_UNFINISHED": (
        "Ouvrez la caisse et attendez la fin, ou annulez la demande.",
        "Open the till and wait for the end, or cancel the request.",
    ),
    "blocks_day_close": ("Empêche la clôture.", "Keeps the day from closing."),
    "carried_over": ("N’empêche pas la clôture.", "Carried over."),
    "fact_amount_cents": ("Demandé", "Asked"),
    "fact_basket_ref": ("N° de panier", "Basket"),
    "fact_way": ("Mode", "Way"),
    "fact_seller_id": ("Vendeur", "Seller"),
    "fact_customer_ref": ("Référence client", "Customer reference"),
    "fact_label": ("Libellé", "Label"),
    "fact_beneficiary": ("Client", "Customer"),
    "fact_transaction_id": ("Transaction", "Transaction"),
    "fact_expires_at": ("Expire le", "Ends"),
    "fact_reserved_cents": ("Réservé", "Reserved"),
    "fact_capture_cents": ("À encaisser", "To be captured"),
    "fact_received_cents": ("Reçu", "Received"),
    "fact_surplus_cents": ("Trop perçu", "Too much"),
    "fact_authorizations": ("Autorisation", "Authorisation"),
    "fact_reason": ("Motif", "Reason"),
    "fact_job": ("Exemplaire", "Copy"),
    "fact_ticket": ("Ticket", "Ticket"),
    "fact_ticket_why": ("Motif", "Reason"),
    "ticket_waits": (
        "Ticket {request_id}, {copy}, en attente depuis le {at}",
        "Ticket {request_id}, {copy}, waiting since {at}",
    ),
    "reconciliation": (
        "Rapprochement avec l’export du fournisseur",
        "Reconciliation with the provider’s export",
    ),
    "MATCHED": ("Concordant", "Matched"),
    "AMOUNT_DIFFERS": ("Montant différent", "Amount differs"),
    "MISSING_HERE": ("Absent de la caisse", "Missing here"),
    "MISSING_THERE": ("Absent de l’export", "Missing there"),
    "NOTHING_KEPT": ("Sans encaissement", "Nothing kept"),
    "IN_DOUBT": ("À vérifier", "In doubt"),
    "DUPLICATE": ("Répété", "Repeated"),
    "OTHER_ENVIRONMENT": ("D’un autre environnement", "Of another environment"),
    "totals": ("caisse {here}, fournisseur {there}", "here {here}, there {there}"),
    "difference": ("Écart", "Difference"),
    "difference_known": ("Écart, montants inconnus à part", "Difference, unknown amounts apart"),
    "line": ("ligne {line}", "line {line}"),
    "basket": ("panier {basket_ref}", "basket {basket_ref}"),
    "transaction": ("transaction {transaction_id}", "transaction {transaction_id}"),
    "unknown": ("inconnu", "unknown"),
    "none": ("néant", "none"),
    "more": ("… et {number} de plus", "… and {number} more"),
    "findings": ("Remarques sur l’export", "Findings in the export"),
}
"""The words of the operations, the settlement forecast and the reconciliation."""

ENTRIES: dict[str, tuple[str, str]] = {
    "REQUEST": ("Demande de la caisse", "The till asked"),
    "ACKNOWLEDGED": ("Résultat enregistré par la caisse", "The till recorded the result"),
    "TICKET": ("Ticket", "Ticket"),
    "ERASED": ("Identifiant du client effacé", "The customer’s identifier was erased"),
    "IDENTIFIED": ("Client identifié", "The customer was identified"),
    "CANCEL": ("Annulation demandée", "A cancel was asked"),
    "KEEP": ("Paiement gardé, sur décision", "The payment was kept, by decision"),
    "REVERSE": ("Remboursement demandé", "A reversal was asked"),
    "CAPTURE": ("Encaissement de la réservation demandé", "A capture was asked"),
    "RELEASE": ("Libération de la réservation demandée", "A release was asked"),
    "RELEASE_LINE": ("Ligne libérée par un responsable", "A supervisor freed the line"),
    "RESTARTED": ("Reprise après un redémarrage", "Taken up after a restart"),
    "RESUMED": ("Reprise par la caisse", "The till came back to it"),
    "STALLED": ("Ordre resté sans effet", "An order was without effect"),
    "CREATED": ("Demande créée chez le fournisseur", "The provider has the request"),
    "CREATED_NAMED": (
        "Demande créée chez le fournisseur, client connu",
        "The provider has the request, the customer is known",
    ),
    "QR_CREATED": ("QR code créé", "The QR code was made"),
    "CREATE_LOST": ("Création restée sans réponse", "The create was not answered"),
    "CREATE_REFUSED": ("Création refusée", "The create was refused"),
    "PAYER_LOST": ("Mise en paiement restée sans réponse", "The order to the customer was not answered"),
    "PAYER_REFUSED": ("Mise en paiement refusée", "The order to the customer was refused"),
    "CANCEL_ANSWERED": ("Réponse à l’annulation", "The cancel was answered"),
    "CANCEL_LOST": ("Annulation restée sans réponse", "The cancel was not answered"),
    "CANCEL_REFUSED": ("Annulation refusée", "The cancel was refused"),
    "CAPTURE_ANSWERED": ("Réponse à l’encaissement", "The capture was answered"),
    "CAPTURE_LOST": ("Encaissement resté sans réponse", "The capture was not answered"),
    "CAPTURE_REFUSED": ("Encaissement refusé", "The capture was refused"),
    "RELEASE_ANSWERED": ("Réponse à la libération", "The release was answered"),
    "RELEASE_LOST": ("Libération restée sans réponse", "The release was not answered"),
    "RELEASE_REFUSED": ("Libération refusée", "The release was refused"),
    "PENDING": ("En attente d’un client", "No customer yet"),
    "SCAN_SEEN": ("Un client a la demande sous les yeux", "A customer holds the request"),
    "PAID": ("Payé", "Paid"),
    "OVERPAID": ("Payé, plus que demandé", "Paid, more than was asked"),
    "AMOUNT_CHANGED": ("Montant modifié par le fournisseur", "The provider changed the amount"),
    "AMOUNT_RAISED": (
        "Montant modifié par le fournisseur, à vérifier",
        "The provider changed the amount: to be checked",
    ),
    "HELD": ("Montant réservé", "The money is reserved"),
    "DECLINED": ("Refusé par le client", "The customer refused"),
    "REJECTED": ("Rejeté par le fournisseur", "The provider refused"),
    "LAPSED": ("Expiré", "Expired"),
    "VOIDED": ("Annulé, rien n’a été débité", "Cancelled, no money moved"),
    "RECREDITED": ("Annulé, client recrédité", "Cancelled, the customer has the money again"),
    "PAID_UNREADABLE": ("Payé, montant illisible", "Paid, with an amount that cannot be read"),
    "UNREADABLE": ("Réponse du fournisseur illisible", "The provider’s answer cannot be read"),
    "MISSING": ("Inconnu du fournisseur", "The provider does not know it"),
    "BROKEN": ("QR code terminé sans résultat", "The QR code ended without a result"),
    "RIVAL_DEAD": (
        "Demande abandonnée : elle ne peut plus être payée",
        "The request given up cannot be paid any more",
    ),
    "RIVAL_ALIVE": (
        "Demande abandonnée : elle peut encore être payée",
        "The request given up can still be paid",
    ),
    "RIVAL_HELD": ("Demande abandonnée : montant réservé", "The request given up is reserved"),
    "GIVE_BACK": (
        "Rendu d’office : la vente avait été payée autrement",
        "Given back: the sale was paid otherwise",
    ),
    "SURPLUS_SETTLED": ("Trop-perçu réglé par une personne", "A person answered for the surplus"),
    "RIVAL_PAID": ("Demande abandonnée : payée", "The request given up was paid"),
    "RIVAL_UNREADABLE": (
        "Demande abandonnée : payée, montant illisible",
        "The request given up was paid, unreadably",
    ),
    "RIVAL_RECREDITED": ("Demande abandonnée : client recrédité", "The request given up was given back"),
}
"""What an entry of the journal says, by its kind."""

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
