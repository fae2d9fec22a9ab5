"""What a scanner is configured to do with a label: one vocabulary for the serial, keyboard and HID-POS firmwares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cvconnect_sim.errors import SimError
from cvconnect_sim.scanner.layouts import LayoutName
from cvconnect_sim.scanner.symbologies import Symbology

CapsLock: TypeAlias = Literal["ignored", "inverted", "shift_lock", "followed", "toggled"]
AltNumpad: TypeAlias = Literal["missing", "all", "never"]
Release: TypeAlias = Literal["each", "merged", "rolled"]


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """What every scanner can be told, whatever its cable.

    Args:
        prefix: sent before each label, before the AIM identifier.
        suffix: sent after each label.
        aim_id: send the three characters of the symbology's AIM identifier before the text.
        upc_a_check_digit: send the last digit of a UPC-A; without it a UPC-A has 11 digits.
        inter_character_delay_s: pause before each character but the first of a label, 0 for none.
        reads: how often one label is read, 1 or more; above 1 the duplicate filter is off.
        between_reads_s: pause between two reads of one label.
        encoding: how characters become bytes; a keyboard sends none.
    """

    prefix: str = ""
    suffix: str = "\r"
    aim_id: bool = False
    upc_a_check_digit: bool = True
    inter_character_delay_s: float = 0.0
    reads: int = 1
    between_reads_s: float = 0.25
    encoding: str = "utf-8"

    def data(self, text: str, symbology: Symbology) -> str:
        """What is sent of a label's text: without the last digit where it is switched off.

        Args:
            text: what the label holds, check digit included.
            symbology: the kind of label.

        Raises:
            SimError: `LABEL_IMPOSSIBLE`, no label of this kind can hold the text.
        """
        if not symbology.holds(text):
            raise SimError(
                "LABEL_IMPOSSIBLE",
                fr=f"Aucune étiquette {symbology.name} ne peut contenir ce texte.",
                en=f"No {symbology.name} label can hold this text.",
            )
        return text[:-1] if symbology is Symbology.UPC_A and not self.upc_a_check_digit else text

    def message(self, text: str, symbology: Symbology) -> str:
        """All that is sent of a label: prefix, AIM identifier, text, suffix.

        Args:
            text: what the label holds, check digit included.
            symbology: the kind of label.

        Raises:
            SimError: `LABEL_IMPOSSIBLE`.
        """
        aim_id = symbology.aim_id if self.aim_id else ""
        return f"{self.prefix}{aim_id}{self.data(text, symbology)}{self.suffix}"


@dataclass(frozen=True, slots=True)
class KeyboardSettings(ScannerSettings):
    r"""What a keyboard scanner can be told besides. In `prefix` and `suffix`, `\r` is Enter and `\t` is Tab.

    Args:
        layout: the keyboard that the scanner imitates; the host must have the same.
        enter: the key that is pressed for a carriage return.
        keypad_digits: type digits on the keypad; the host's NumLock must be on.
        alt_numpad: characters typed as a code on the keypad while Alt is held: those that the layout lacks, all, or
            none. What cannot be typed at all is left out, and the rest is sent.
        alt_digits: 3 digits in `alt_code_page`, or 4 with a leading zero in CP1252.
        alt_code_page: the host's DOS code page.
        dead_keys: type an accent that the layout has only as a dead key with that key and Space.
        control_keys: type control characters as Ctrl and a key, as in `Ctrl+]` for GS; without it they are missing.
        caps_lock: what is done about the host's CapsLock. `ignored`: nothing. `inverted`: letters are always typed as for a
            host that has it on. `shift_lock`: so are the other keys of the layout's shift lock, and all keys where it
            has none. `followed`: as `inverted`, while the host's lamp is lit. `toggled`: while it is lit, CapsLock is
            pressed before and after each label.
        release: how keys end: each is released before the next is pressed, or in the same report, or after it
            (roll-over).
        modifiers_apart: whether a modifier is pressed and released in a report of its own.
        report_interval_s: time between two reports of one character.

    Source: settings of keyboard scanners by Honeywell ("Keyboard Style", "Keyboard Modifiers") and Zebra ("Emulate Keypad",
        "Bypass ... Unknown Characters"), as their user guides name them.
    """

    layout: LayoutName = "us"
    enter: Literal["enter", "kp_enter"] = "enter"
    keypad_digits: bool = False
    alt_numpad: AltNumpad = "missing"
    alt_digits: Literal[3, 4] = 4
    alt_code_page: Literal["cp850", "cp437"] = "cp850"
    dead_keys: bool = False
    control_keys: bool = True
    caps_lock: CapsLock = "ignored"
    release: Release = "each"
    modifiers_apart: bool = False
    report_interval_s: float = 0.001


@dataclass(frozen=True, slots=True)
class HidPosSettings(ScannerSettings):
    """What a HID-POS scanner can be told besides; a report says where its label ends, so there is no suffix.

    The AIM identifier has a field of its own in each report. With `aim_id` it stands before the text as well.

    Args:
        aim_field: fill the field of the AIM identifier; zeros otherwise.
        full_goes_on: say of a label that fills its last report that it goes on, though nothing follows: a fault that published
            firmware has.
        report_interval_s: time between two reports of one label.
    """

    suffix: str = ""
    aim_field: bool = True
    full_goes_on: bool = False
    report_interval_s: float = 0.001
