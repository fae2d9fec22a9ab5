"""Scanners that the till itself hears (`wedge:NAME`): its own user interface hands over what the desktop gave it.

For every platform and every toolkit. The driver's side is an ordinary scanner; the till's side is `wedge(NAME)`:

```python
from cvconnect_drivers.scanners.wedge import wedge

counter = wedge("COUNTER")
if counter.key(code, pressed, time_s):
    ...  # swallow the event: it belongs to a scan
```

Keys are better than characters: with them the till's desktop may have any layout. While labels are wanted, every call answers
that the till should swallow what it handed over, so that a scan never lands in a price field; keys that no label is made
of (Escape, F1, arrows) stay the till's own.

Settings: `layout`, the scanner's; `terminator` (`any`, `enter`, `kp_enter`, `tab`, `none`); `idle_gap_ms`, the pause that ends
what has begun; `grab`, when the till is told to swallow: `armed`, `claimed` (always), `never`; and those that all scanners share.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from cvconnect_drivers.errors import ConfigurationError
from cvconnect_drivers.scanners.layouts import LAYOUTS
from cvconnect_drivers.scanners.scanner import LabelScanner
from cvconnect_drivers.scanners.settings import read_scanner_settings
from cvconnect_drivers.scanners.wedge_intake import ENDINGS, Intake
from cvconnect_drivers.scanners.wedge_source import WedgeSettings, WedgeSource
from cvconnect_drivers.scanners.wedge_till import Wedge, WedgeInputError
from cvconnect_drivers.urls import Settings, parse_url

__all__ = ["Wedge", "WedgeInputError", "open_scanner", "page_script", "wedge"]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_lock = threading.Lock()
_wedges: dict[str, Wedge] = {}


def wedge(name: str) -> Wedge:
    """Give the till's side of a wedge; it may be asked for before or after the station is opened.

    Args:
        name: What stands after `wedge:` in the station file: 1 to 64 letters, digits, `_`, `.` and `-`.

    Returns:
        The one wedge of this process that has this name.

    Raises:
        ConfigurationError: The name is not valid.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "INVALID_URL",
            fr=f"wedge:{name} : le nom se compose de lettres, de chiffres, de « _ », « . » et « - ».",
            en=f"'wedge:{name}': a name has letters, digits, '_', '.' and '-'",
        )
    with _lock:
        return _wedges.setdefault(name, Wedge(name))


def page_script() -> bytes:
    """Give `wedge_page.js`, for the till's own server to serve as `text/javascript`."""
    return files("cvconnect_drivers.scanners").joinpath("wedge_page.js").read_bytes()


def open_scanner(url: str, options: Mapping[str, object]) -> LabelScanner:
    """Make the scanner that hears a wedge.

    Args:
        url: `wedge:NAME`.
        options: The settings named at the top of this module, as in the URL's query.

    Returns:
        The scanner, unclaimed.

    Raises:
        ConfigurationError: The URL or a setting is not valid.
    """
    device = parse_url(url, {"wedge"})
    till_side = wedge(device.target)
    settings = Settings(device, options)
    layout = settings.choice("layout", "us", LAYOUTS)
    terminator = settings.choice("terminator", "any", ENDINGS)
    idle_gap_s = settings.whole("idle_gap_ms", 300, 20, 10_000) / 1000
    grab = settings.choice("grab", "armed", {"armed", "claimed", "never"})
    shared = read_scanner_settings(settings)
    settings.refuse_unknown()
    known = WedgeSettings(idle_gap_s, shared.duplicate_window_s, grab)

    def open_source() -> WedgeSource:
        return WedgeSource(
            till_side.inbox, Intake(layout, terminator=terminator, idle_gap_s=idle_gap_s), known
        )

    return LabelScanner(url, open_source, shared, ready="La caisse transmet les lectures de la douchette.")
