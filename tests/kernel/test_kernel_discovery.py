"""`cvconnect devices` and `cvconnect doctor` on a real kernel: what they say works as it stands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cvconnect_drivers.cli import devices, doctor
from cvconnect_sim.links.gadget import Gadget, Identity
from kernel.lab.host import Plug, as_nobody, node, nodes, wait_for
from kernel.lab.till import HID_POS, KEYBOARD, SERIAL, Kind, Till

VENDOR, PRODUCT = 0x0C2E, 0x0B61
IDENTIFIER = "20000000016"
NAMES = {"keyboard": KEYBOARD, "hidpos": HID_POS, "serial": SERIAL}
RULES = Path("/etc/udev/rules.d/70-cvconnect.rules")


def test_devices_lists_what_is_plugged_with_an_address_that_reads(plug: Plug) -> None:
    composite = plug(Identity(VENDOR, PRODUCT, "ALL-IN-ONE"), [kind.function for kind in NAMES.values()])
    twin = plug(Identity(VENDOR, PRODUCT), [KEYBOARD.function])
    wait_for(
        lambda: len(nodes(composite, "hidraw")) == 2 and nodes(composite, "tty") and nodes(twin, "input")
    )
    listed: list[dict[str, Any]] = json.loads(_say(devices, "--json"))["devices"]
    addresses = {
        (each["kind"], each["serial"]): str(each["url"]) for each in listed if each["vendor"] == "0c2e"
    }
    assert addresses.keys() == {*((name, "ALL-IN-ONE") for name in NAMES), ("keyboard", "")}
    assert len(set(addresses.values())) == len(addresses)
    for (name, serial), url in addresses.items():
        kind, function = NAMES[name], [*NAMES].index(name)
        gadget, place = (composite, function) if serial else (twin, 0)
        with Till(kind.open_scanner(url, {})) as till:
            till.arm()
            gadget.send(kind.scan(IDENTIFIER), function=place)
            assert till.label().text == IDENTIFIER


@pytest.mark.parametrize("kind", [KEYBOARD, HID_POS], ids=lambda kind: kind.scheme)
def test_the_rule_that_doctor_prints_lets_the_group_input_read(plug: Plug, kind: Kind) -> None:
    gadget = plug(Identity(VENDOR, PRODUCT, "RULE"), [kind.function])
    node(gadget, kind.subsystem)
    assert "SUBSYSTEM" not in _say(doctor)
    with as_nobody():
        advice = _say(doctor)
    rules = [line for line in advice.splitlines() if line.startswith("SUBSYSTEM==")]
    assert len(rules) == 1, advice
    RULES.write_text(f"{rules[0]}\n", encoding="utf-8")
    try:
        _replug(gadget)
        for end in Path("/dev").glob("hidg*"):  # the device's end is not what this is about
            end.chmod(0o666)
        with as_nobody("input"), Till(kind.open_scanner(f"{kind.scheme}:?serial=RULE", {})) as till:
            till.arm()
            gadget.send(kind.scan(IDENTIFIER))
            assert till.label().text == IDENTIFIER
    finally:
        RULES.unlink()


def _replug(gadget: Gadget) -> None:
    gadget.unplug()
    subprocess.run(["udevadm", "control", "--reload"], timeout=20, check=True)
    gadget.plug()


def _say(command: Any, *arguments: str) -> str:
    app = typer.Typer()
    app.command()(command.command)
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "400"})
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.stdout
