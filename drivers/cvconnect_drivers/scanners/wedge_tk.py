"""A wedge for tills whose user interface is Tk.

```python
from cvconnect_drivers.scanners.wedge import wedge
from cvconnect_drivers.scanners.wedge_tk import attach

adapter = attach(root, wedge("COUNTER"))
...
adapter.detach()
```

Every widget of the program, and every one that is made later, asks the wedge first; what the wedge swallows reaches no
binding, no field and no button. On X11 it is given keys, elsewhere characters, because Tk tells there which character a key
writes and not which key it was.

Source: Tcl/Tk manual, `bind` (%k, %A, %t, %s) and `bindtags`; X Keyboard Extension, the keycodes of `evdev` (Linux's
number and 8). Unverified: Tk on Windows and macOS, known from the manual alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cvconnect_drivers.scanners.wedge import Wedge
from cvconnect_drivers.scanners.wedge_page import UNKNOWN_KEY

if TYPE_CHECKING:
    from tkinter import Event, Misc

_X11_OFFSET: Final = 8
_KEYCODES: Final = range(_X11_OFFSET + 1, 256)
_LOCK, _MOD2 = 0x02, 0x10
_LOCK_KEYS: Final = frozenset({"Caps_Lock", "Num_Lock"})
_FUNCTION_KEYS: Final = frozenset(map(chr, range(0xF700, 0xF900)))
"""What macOS writes of arrows and F1 to F35: they stay the till's own.

Source: Apple AppKit, NSEvent.h, `NSUpArrowFunctionKey` and what follows it. Unverified: that Tk hands them over so.
"""
_NEW_WIDGETS: Final = ("<Map>", "<FocusIn>")


class TkWedge:
    """A wedge that hears a Tk program, until `detach`.

    Args:
        root: Any widget of the program.
        wedge: Who is told of its keys.
        characters: Whether characters are handed over instead of keys.
    """

    def __init__(self, root: Misc, wedge: Wedge, *, characters: bool) -> None:
        self._root = root
        self._wedge = wedge
        self._characters = characters
        self._tag = f"cvconnect-wedge-{wedge.name}"
        self._bound: list[tuple[str, str]] = []
        root.bind_class(self._tag, "<KeyPress>", self._on_press)
        root.bind_class(self._tag, "<KeyRelease>", self._on_release)
        for sequence in _NEW_WIDGETS:
            self._bind_all(sequence, self._on_widget)
        for sequence in ("<FocusIn>", "<FocusOut>"):
            self._bind_all(sequence, self._on_focus)
        for path in self._widgets("."):
            self._put_in_front(path)

    def detach(self) -> None:
        """Leave the program as it was. Idempotent; does nothing when the program has ended."""
        import tkinter as tk

        bound, self._bound = self._bound, []
        if not bound:
            return
        with contextlib.suppress(tk.TclError):
            for sequence, command in bound:
                script = str(self._root.tk.call("bind", "all", sequence))
                kept = "\n".join(line for line in script.splitlines() if command not in line)
                self._root.tk.call("bind", "all", sequence, kept)
                self._root.deletecommand(command)
            for sequence in ("<KeyPress>", "<KeyRelease>"):
                self._root.unbind_class(self._tag, sequence)
            for path in self._widgets("."):
                tags = [tag for tag in self._tags(path) if tag != self._tag]
                self._root.tk.call("bindtags", path, tags)

    def _bind_all(self, sequence: str, function: Any) -> None:
        root: Any = self._root
        self._bound.append((sequence, str(root.bind_all(sequence, function, add="+"))))

    def _widgets(self, path: str) -> Iterator[str]:
        yield path
        children: Any = self._root.tk.call("winfo", "children", path)
        paths: tuple[Any, ...] = self._root.tk.splitlist(children)
        for child in paths:
            yield from self._widgets(str(child))

    def _tags(self, path: str) -> list[str]:
        tags: Any = self._root.tk.call("bindtags", path)
        return [str(tag) for tag in self._root.tk.splitlist(tags)]

    def _put_in_front(self, path: str) -> None:
        tags = self._tags(path)
        if self._tag not in tags:
            self._root.tk.call("bindtags", path, [self._tag, *tags])

    def _on_widget(self, event: Event[Misc]) -> None:
        self._put_in_front(str(event.widget))

    def _on_focus(self, event: Event[Misc]) -> None:
        # A window, not one of its widgets: before, or from now on, the keys went to another program.
        path = str(event.widget)
        if str(self._root.tk.call("winfo", "toplevel", path)) == path:
            self._wedge.lose()

    def _on_press(self, event: Event[Misc]) -> str | None:
        if self._characters:
            is_text = bool(event.char) and event.char not in _FUNCTION_KEYS
            return _answer(is_text and self._wedge.character(event.char, event.time / 1000))
        return _answer(self._key(event, pressed=True))

    def _on_release(self, event: Event[Misc]) -> str | None:
        return None if self._characters else _answer(self._key(event, pressed=False))

    def _key(self, event: Event[Misc], *, pressed: bool) -> bool:
        # An input method that makes one character of two keys tells it without a key.
        code = event.keycode - _X11_OFFSET if event.keycode in _KEYCODES else UNKNOWN_KEY
        # What a lock's own key does to the state is told before or after, as the platform likes.
        told = isinstance(event.state, int) and event.keysym not in _LOCK_KEYS
        state = int(event.state) if told else 0
        return self._wedge.key(
            code,
            pressed,
            event.time / 1000,
            caps_lock=bool(state & _LOCK) if told else None,
            num_lock=bool(state & _MOD2) if told else None,
        )


def attach(root: Misc, wedge: Wedge, *, characters: bool | None = None) -> TkWedge:
    """Let a wedge hear a Tk program.

    Args:
        root: The program's main window, or any of its widgets.
        wedge: Who is told of its keys.
        characters: Whether characters are handed over instead of keys; None: keys on X11, characters elsewhere. Say
            True for an X server whose keycodes are not those of Linux (on Windows or macOS).

    Returns:
        The adapter; `detach` it before the program destroys its windows, or never.
    """
    if characters is None:
        characters = str(root.tk.call("tk", "windowingsystem")) != "x11"
    return TkWedge(root, wedge, characters=characters)


def _answer(swallow: bool) -> str | None:  # noqa: FBT001 (what the wedge said)
    return "break" if swallow else None
