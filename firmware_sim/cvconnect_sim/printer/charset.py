"""Which character a byte means: code pages (`ESC t`) and national variants (`ESC R`)."""

from functools import cache

VARIANT_CODES = b"#$@[\\]^`{|}~"

NATIONAL_VARIANTS = {
    0: "#$@[\\]^`{|}~",  # U.S.A.
    1: "#$à°ç§^`éùè¨",  # France
    2: "#$§ÄÖÜ^`äöüß",  # Germany
    3: "£$@[\\]^`{|}~",  # U.K.
    4: "#$@ÆØÅ^`æøå~",  # Denmark I
    5: "#¤ÉÄÖÅÜéäöåü",  # Sweden
    6: "#$@°\\é^ùàòèì",  # Italy
    7: "₧$@¡Ñ¿^`¨ñ}~",  # Spain I
    8: "#$@[¥]^`{|}~",  # Japan
    9: "#¤ÉÆØÅÜéæøåü",  # Norway
    10: "#$ÉÆØÅÜéæøåü",  # Denmark II
    11: "#$á¡Ñ¿é`íñóú",  # Spain II
    12: "#$á¡Ñ¿éüíñóú",  # Latin America
    13: "#$@[₩]^`{|}~",  # Korea
}
"""`ESC R n` -> what stands at the twelve codes of `VARIANT_CODES`.

Source: Epson ESC/POS command reference, `ESC R`, international character sets.
"""


@cache
def character_table(codec: str, variant: int) -> tuple[str | None, ...]:
    """The character at each of the 256 codes, None where the page defines none.

    Args:
        codec: Python codec of the code page.
        variant: a key of `NATIONAL_VARIANTS`; it touches only the twelve ASCII codes.
    """
    table = [_decode(code, codec) for code in range(256)]
    for code, char in zip(VARIANT_CODES, NATIONAL_VARIANTS[variant], strict=True):
        table[code] = char
    return tuple(table)


def _decode(code: int, codec: str) -> str | None:
    char = bytes([code]).decode(codec, "ignore")
    return char if char and (char.isprintable() or char == "\xa0") else None


LEAD_CODES = range(0x81, 0xFF)
TRAIL_CODES = frozenset(range(0x40, 0xFF)) - {0x7F}
"""What can be the first and the second code of a two-byte character. Source: GB 18030, two-byte part."""


def pair_character(lead: int, trail: int, codec: str) -> str | None:
    """The character of two codes, None where there is none.

    Args:
        lead: one of `LEAD_CODES`.
        trail: one of `TRAIL_CODES`.
        codec: Python codec of the two-byte set.
    """
    return bytes((lead, trail)).decode(codec, "ignore") or None
