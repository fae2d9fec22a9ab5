"""What people, processes and the provider itself do. Each deed says whether it is done; else it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cvconnect_pos import AttemptStillOpen, InvalidInput, NotAllowedNow, Payment
from cvconnect_pos.errors import JournalError, ProviderError

if TYPE_CHECKING:
    from faults.campaign.process import Process
    from faults.campaign.world import World

DELAY_S: Final = 600
"""How long the customer of a deferred request may take."""

Deed: TypeAlias = "Callable[..., bool]"


# --- the till ------------------------------------------------------------------------------------------------------------


def ask(  # noqa: PLR0917 - the words of its item, in their order
    world: World, till: str, line: str, way: str, cents: str, basket: str, customer: str = "c0"
) -> bool:
    """Ask an amount for a line. The first to ask says what; asking again is the same request."""
    from faults.campaign.world import IDENTIFIERS

    name, _, reserve = way.partition("+")
    wanted: dict[str, Any] = {
        "request_id": line,
        "label": line,
        "amount_cents": int(cents),
        "basket_ref": basket,
        "way": name,
    }
    if name in {"keyed", "deferred"}:
        wanted["beneficiary"] = IDENTIFIERS[customer]
    if name == "deferred":
        wanted["delay_s"] = DELAY_S
    if reserve:
        wanted["reserve"] = True
    world.asked.setdefault(line, {"till": till, "arguments": wanted})
    return again(world, till, line)


def again(world: World, till: str, line: str) -> bool:
    """Ask with the same request id and arguments: at first, after a crash, or from another till."""
    process = world.processes.get(till)
    if process is None or not process.is_usable:
        return False
    if line not in world.asked:
        return True
    done = False
    with process.used():
        try:
            process.tender.request(**world.asked[line]["arguments"])
            world.returned[till].add(line)
            done = True
        except (AttemptStillOpen, JournalError, ProviderError):
            done = False
        except NotAllowedNow:
            done = process.dead
    return done


def _act(act: Callable[[Payment], object]) -> Deed:
    def do(world: World, till: str, line: str) -> bool:
        return _with_payment(world, till, line, lambda _, payment: act(payment))

    return do


def _with_payment(world: World, till: str, line: str, act: Callable[[Process, Payment], object]) -> bool:
    process = world.processes.get(till)
    if process is None or not process.is_usable:
        return False
    done = False
    with process.used():
        payment = process.payment(line)
        if payment is None:
            return False
        try:
            act(process, payment)
            done = True
        except InvalidInput:  # more than is reserved
            done = True
        except (NotAllowedNow, JournalError):
            done = False
    return done


def label(world: World, till: str, line: str, customer: str) -> bool:
    """Read the customer's identifier."""
    from faults.campaign.world import NUMBERS

    return _with_payment(world, till, line, lambda _, payment: payment.identify(NUMBERS[customer]))


def resume(world: World, till: str, line: str) -> bool:
    """Come back to a line, in this till or another one."""
    return _with_payment(world, till, line, lambda _, __: None)


def capture(world: World, till: str, line: str, cents: str) -> bool:
    """Take a part of what is reserved."""
    return _with_payment(world, till, line, lambda _, payment: payment.capture(int(cents)))


def kill(world: World, till: str, down_s: str, how: str = "") -> bool:
    """Kill a process, which comes back after a while."""
    if till in world.processes:
        world.crash(till, float(down_s), resume=how == "resume")
    return True


def hang(world: World, till: str, seconds: str) -> bool:
    """Freeze a process where it is; then it goes on as if nothing had been."""
    process = world.processes.get(till)
    if process is None or process.dead:
        return True
    process.frozen_until_s = world.now_s + float(seconds)
    if process.inside:
        world.watch.hung(process.instance)
        world.pass_time(float(seconds))
    return True


# --- the customers ----------------------------------------------------------------------------------------------------------


def scan(world: World, customer: str, line: str) -> bool:
    """Scan the QR of a line, or the picture that the phone has kept of it."""
    from faults.campaign.world import NUMBERS

    payload = world.shown.get(line)
    if not payload:
        return False
    world.provider.scan(NUMBERS[customer], payload)
    return True


def pay(world: World, customer: str, cents: str = "") -> bool:
    """Validate the oldest request, whole or in part."""
    from faults.campaign.world import NUMBERS

    waiting = world.provider.waiting_for(NUMBERS[customer])
    if not waiting:
        return False
    asked = waiting[0].order.amount_cents
    amount = min(int(cents), asked) if cents else None
    world.provider.validate(NUMBERS[customer], waiting[0].transaction_id, amount)
    return True


def refuse(world: World, customer: str) -> bool:
    """Refuse the oldest request."""
    from faults.campaign.world import NUMBERS

    waiting = world.provider.waiting_for(NUMBERS[customer])
    if waiting:
        world.provider.refuse(NUMBERS[customer], waiting[0].transaction_id)
    return bool(waiting)


# --- the provider's own faults ------------------------------------------------------------------------------------------------


def _misdeed(world: World, line: str, act: Callable[[str], object]) -> bool:
    """Do wrong to the newest transaction of a line that allows it."""
    from cvconnect_sim.errors import SimError

    for transaction_id in reversed(world.transactions_of(line)):
        try:
            act(transaction_id)
        except SimError:
            continue
        world.faulted.add(line)
        return True
    return False


def late(world: World, line: str) -> bool:
    """A request that ended unpaid is paid after all."""
    return _misdeed(world, line, world.provider.late_pay)


def amend(world: World, line: str, cents: str) -> bool:
    """The amount of a payment changes."""
    return _misdeed(world, line, lambda one: world.provider.amend(one, int(cents)))


def undo(world: World, line: str) -> bool:
    """The provider gives a payment back by itself."""
    return _misdeed(world, line, world.provider.undo)


def second(world: World, line: str, customer: str) -> bool:
    """A second customer pays into a payment."""
    from faults.campaign.world import NUMBERS

    return _misdeed(world, line, lambda one: world.provider.add_payer(one, NUMBERS[customer], 1000))


def double(world: World, line: str, customer: str) -> bool:
    """A QR that is dead is paid all the same."""
    from faults.campaign.world import NUMBERS

    payload = world.shown.get(line)
    if not payload:
        return False
    world.provider.pay_anyway(NUMBERS[customer], payload)
    world.faulted.add(line)
    return True


DEEDS: Final[Mapping[str, Deed]] = {
    "ask": ask,
    "again": again,
    "resume": resume,
    "cancel": _act(Payment.cancel),
    "keep": _act(Payment.keep),
    "reverse": _act(Payment.reverse),
    "ack": _act(Payment.acknowledge),
    "otherwise": _act(lambda payment: payment.acknowledge(settled_otherwise=True)),
    "release": _act(lambda payment: payment.release()),
    "free": _act(lambda payment: payment.release_line("superviseur", "panne")),
    "capture": capture,
    "label": label,
    "kill": kill,
    "hang": hang,
    "scan": scan,
    "pay": pay,
    "refuse": refuse,
    "late": late,
    "amend": amend,
    "undo": undo,
    "second": second,
    "double": double,
}
"""By name; the arguments are those of the item."""
