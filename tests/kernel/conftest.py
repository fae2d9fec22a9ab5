"""These tests need a kernel with a USB device port of its own: `make kernel` boots one. Elsewhere they are not collected."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack

import pytest

from cvconnect_sim.links.gadget import Function, Gadget, Identity
from cvconnect_sim.links.uinput import UinputKeyboard
from kernel.lab.host import Plug, wait_until_gone

if os.environ.get("CVCONNECT_KERNEL_LAB") != "1":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def plug() -> Generator[Plug, None, None]:
    with ExitStack() as gadgets:

        def plug_one(
            identity: Identity, functions: Sequence[Function], *, controller: str | None = None
        ) -> Gadget:
            gadget = gadgets.enter_context(Gadget(identity, functions, controller=controller))
            gadget.plug()
            return gadget

        yield plug_one
    wait_until_gone()


@pytest.fixture
def keyboard() -> Generator[UinputKeyboard, None, None]:
    """A keyboard that a person types on."""
    with UinputKeyboard("Clavier de la caisse") as plain:
        yield plain
