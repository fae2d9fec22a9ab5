"""What a station file says of a printer: a profile by name, and what this one does otherwise.

```toml
[printer]
url = "tcp://192.168.1.50:9100"
profile = "80mm"
columns = 42
pages = "cp858:19,cp1252:16"
qr = "image"
```

`cvconnect printer setup` finds all of them out on paper.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeAlias

from cvconnect_drivers.printers.charset import CodePage
from cvconnect_drivers.printers.profiles import PROFILES, Profile
from cvconnect_drivers.urls import Settings

DEFAULT_PROFILE: Final = "80mm"
PROFILE_KEYS: Final = ("profile", "columns", "pages", "qr", "dpi", "cut", "kanji")

Setting: TypeAlias = str | int | bool

FONT_A_DOTS: Final = 12
"""Source: Epson, ESC/POS Command Reference, `ESC M`: characters of font A are 12 dots wide."""

MIN_COLUMNS, MAX_COLUMNS = 20, 72
MIN_DPI, MAX_DPI = 100, 600
_LAST_PAGE: Final = 255
_ASCII: Final = bytes(range(0x20, 0x7F))


def read_profile(settings: Settings) -> Profile:
    """Read what a printer is.

    Args:
        settings: The printer's settings; the driver reads its own beside them, and ends the reading.

    Returns:
        The profile that is named, with what stands beside it.

    Raises:
        ConfigurationError: A value is not valid; names the key and what it may be.
    """
    profile = PROFILES[settings.choice("profile", DEFAULT_PROFILE, PROFILES)]
    columns = settings.whole("columns", profile.columns, MIN_COLUMNS, MAX_COLUMNS)
    return replace(
        profile,
        columns=columns,
        width_dots=profile.width_dots if columns == profile.columns else width_of(columns),
        pages=_read_pages(settings) or profile.pages,
        native_qr=settings.choice("qr", "native" if profile.native_qr else "image", ("native", "image"))
        == "native",
        dpi=settings.whole("dpi", profile.dpi, MIN_DPI, MAX_DPI),
        cut=_yes_no(settings, "cut", default=profile.cut),
        kanji=_yes_no(settings, "kanji", default=profile.kanji),
    )


def width_of(columns: int) -> int:
    """Tell how many dots so many characters of font A are wide, down to a whole byte of a picture."""
    return columns * FONT_A_DOTS // 8 * 8


def settings_of(profile: Profile, name: str) -> dict[str, Setting | None]:
    """Write a profile as a station file holds it.

    Args:
        profile: The profile, as `read_profile` would make it of `name` and some settings.
        name: The name of the profile that it was made from.

    Returns:
        All of `PROFILE_KEYS`: the name, and what differs; None where nothing does.
    """
    base = PROFILES[name]
    values: dict[str, tuple[Setting, bool]] = {
        "columns": (profile.columns, profile.columns != base.columns),
        "pages": (write_pages(profile.pages), profile.pages != base.pages),
        "qr": ("native" if profile.native_qr else "image", profile.native_qr != base.native_qr),
        "dpi": (profile.dpi, profile.dpi != base.dpi),
        "cut": (profile.cut, profile.cut != base.cut),
        "kanji": (profile.kanji, profile.kanji != base.kanji),
    }
    return {"profile": name} | {key: value if differs else None for key, (value, differs) in values.items()}


def write_pages(pages: tuple[CodePage, ...]) -> str:
    """Write code pages as a station file holds them: `cp858:19,cp1252:16`."""
    return ",".join(f"{page.codec}:{page.number}" for page in pages)


def _read_pages(settings: Settings) -> tuple[CodePage, ...]:
    text = settings.text("pages", "")
    return tuple(_pages(text, settings)) if text.strip() else ()


def _pages(text: str, settings: Settings) -> Iterator[CodePage]:
    for each in text.split(","):
        codec, colon, number = each.strip().partition(":")
        known = _is_single_byte(codec)
        if not (colon and known and number.isascii() and number.isdigit() and int(number) <= _LAST_PAGE):
            raise settings.invalid(
                fr=f"« pages » : « {each.strip()} » n’est pas une page ; écrivez par exemple "
                "cp858:19,cp1252:16 (le nom de la page, puis son numéro dans le manuel de l’imprimante)",
                en=f"'pages': {each.strip()!r} is no page; write CODEC:NUMBER, such as cp858:19,cp1252:16",
            )
        yield CodePage(int(number), codec)


def _is_single_byte(codec: str) -> bool:
    """Whether a codec has ASCII where printers have it, and one byte for each character."""
    try:
        codecs.lookup(codec)
        return _ASCII.decode(codec) == _ASCII.decode("ascii") and all(
            len(each.encode(codec)) == 1 for each in "éèàç€œ日" if _has(codec, each)
        )
    except (LookupError, UnicodeError, TypeError, ValueError):
        return False


def _has(codec: str, character: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _yes_no(settings: Settings, key: str, *, default: bool) -> bool:
    match settings.take(key):
        case None:
            return default
        case bool() as value:
            return value
        case "true" | "false" as word:
            return word == "true"
        case _:
            raise settings.invalid(
                fr=f"« {key} » doit être true ou false", en=f"{key!r} must be true or false"
            )
