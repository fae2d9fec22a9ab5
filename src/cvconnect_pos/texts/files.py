"""The errors of the journal and of the station file."""

from __future__ import annotations

from cvconnect_pos.texts.words import ASK_SUPPORT, Words

FILES: dict[str, Words] = {
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
        "Le journal {path} est endommagé : aucune demande n’est envoyée.", "N’y touchez pas. " + ASK_SUPPORT[0],
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
        "La journée à clôturer doit être une date (reçu : {type}).", ASK_SUPPORT[0],
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
}  # fmt: skip
