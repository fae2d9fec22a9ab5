"""Write `docs/explanations/lifecycle.md` from the state table: `python tools/make_lifecycle_diagram.py [--check]`."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cvconnect_pos.core.lifecycle import ALIVE, CALLS, FINAL, NEGATIVE, TABLE, Signal, State, Step
from page import main

PAGE = Path(__file__).resolve().parent.parent / "docs/explanations/lifecycle.md"

S = State


@dataclass(frozen=True, slots=True)
class Phase:
    """One diagram: the states that its arrows start from."""

    title: str
    about: str
    states: tuple[State, ...]


PHASES = (
    Phase(
        "Opening",
        "The attempt is in the journal before the provider hears of it. A create whose answer is lost leaves "
        "something that nobody can pay, for no customer was ever shown or named: the line is free at once.",
        (S.CREATING, S.OPENED),
    ),
    Phase(
        "The customer",
        "A QR is shown, an identifier is read, or both; whichever is used first wins. `SWITCH_ASKED` "
        "and `SWITCHING` make sure that the QR is free, then dead, before the customer who was read is asked.",
        (S.SHOWING, S.SCANNED, S.SWITCH_ASKED, S.SWITCHING, S.IDENTIFYING, S.PAYER_UNKNOWN, S.AWAITING),
    ),
    Phase(
        "In doubt",
        "The provider says something that cannot be read, or does not find what it knew. Nothing is assumed: it "
        "is asked again, and a supervisor may free the line meanwhile.",
        (S.IN_DOUBT,),
    ),
    Phase(
        "Cancelling",
        "Status, cancel, status: cancel and reversal are one call at this provider, so it is sent only after a "
        "status that says which of the two it would be. *Paid* in the middle of it asks a person.",
        (S.CANCELLING, S.CANCEL_SENT, S.CANCEL_UNKNOWN, S.CANCEL_CONFIRMING),
    ),
    Phase(
        "Reservation",
        "A reserved amount is never *paid*: it is captured, in full or in part, or given back. Both are decisions of the "
        "till, journaled before they are sent; a lost answer is asked for, and the order repeated while it had no effect.",
        (S.RESERVED, S.CAPTURING, S.CAPTURE_UNKNOWN, S.CAPTURE_REFUSED, S.RELEASING, S.RELEASE_UNKNOWN),
    ),
    Phase(
        "Decision and reversal",
        "A payment that crossed a cancel, came late, or is too high waits for a person. An approved one may be "
        "reversed within the provider's window.",
        (S.DECIDING, S.APPROVED, S.REVERSING, S.REVERSAL_UNKNOWN, S.REVERSAL_REFUSED),
    ),
    Phase(
        "After the end",
        "Ends without money stay watched for a day, because the provider may still say *paid*. A line that a "
        "supervisor freed is watched in the same way, and cancelled as soon as the provider can be asked. A request that was "
        "given up for another one, the *rival*, is watched beside any state: paid, it takes the place of an attempt that is "
        "not, or is given back.",
        (S.REFUSED, S.FAILED, S.EXPIRED, S.CANCELLED, S.RELEASED, S.ORPHANED, S.LINE_RELEASED),
    ),
)

HEAD = """\
# The lifecycle of a payment

<!-- Made by tools/make_lifecycle_diagram.py from cvconnect_pos.core.lifecycle.TABLE. Edit the table, then run it. -->

Everything that may happen to a payment is one table, `(state, signal) -> (state, commands)`, with {rows} rows in
`cvconnect_pos.core.lifecycle`. The diagrams below are drawn from it, one per phase.

- An arrow that leaves *every state* holds for each state of that phase, unless the state has an arrow of its own for that
  signal.
- Rows that stay in their state ({loops} of them) are left out of the diagrams. They are in the [table](#the-whole-table).
- A pair that is not in the table cannot happen: a till that asks for it is told `NOT_ALLOWED_NOW`, and a result that
  comes too late is dropped.

| Colour | States | Meaning |
|---|---|---|
| green | {paid} | money was received |
| red | {negative} | no money; the provider may still say *paid*, so they are watched |
| grey | {others} | other ends |
| white | all others | the payment is open, or a person must decide |
"""


def moves(states: Iterable[State]) -> dict[State, dict[Signal, State]]:
    """Find the rows that leave each of these states: signal to next state."""
    return {
        state: {
            signal: TABLE[state, signal].state
            for signal in Signal
            if (state, signal) in TABLE and TABLE[state, signal].state is not state
        }
        for state in states
    }


def shared(phase: Phase) -> dict[Signal, State]:
    """Find the rows that all states of a phase share, but for those with an arrow of their own."""
    leaving = moves(phase.states)
    rules: dict[Signal, State] = {}
    for signal in Signal:
        targets = Counter(row[signal] for row in leaving.values() if signal in row)
        if not targets:
            continue
        target, count = targets.most_common(1)[0]
        everywhere = all(signal in row for row in leaving.values())
        if everywhere and count > 1 and target not in phase.states:
            rules[signal] = target
    return rules


def arrows(phase: Phase) -> Iterator[tuple[str, State, list[Signal]]]:
    """List a phase's arrows: from (a state, or every one), to, and the signals on it."""
    rules = shared(phase)
    grouped: dict[tuple[str, State], list[Signal]] = defaultdict(list)
    for state, row in moves(phase.states).items():
        for signal, target in row.items():
            if rules.get(signal) is not target:
                grouped[state.value, target].append(signal)
    for signal, target in rules.items():
        grouped["EVERY", target].append(signal)
    for (source, target), signals in grouped.items():
        yield source, target, signals


def diagram(phase: Phase) -> str:
    """Draw a phase."""
    lines = ["stateDiagram-v2", "    direction LR"]
    drawn = list(arrows(phase))
    if shared(phase):
        lines.append(f'    state "every state of “{phase.title}”" as EVERY')
    lines += [f"    {source} --> {target}: {'<br>'.join(signals)}" for source, target, signals in drawn]
    seen = {*phase.states, *(target for _, target, _ in drawn)}
    if shared(phase):
        lines += [
            "    classDef every fill:#ffffff,stroke:#14213d,stroke-dasharray:4",
            "    class EVERY every",
        ]
    lines += [
        "    classDef paid fill:#d9f2e3,stroke:#13753d,color:#0b3d20",
        "    classDef negative fill:#f9dede,stroke:#a3303b,color:#4d1118",
        "    classDef over fill:#e6e8ee,stroke:#55617a,color:#14213d",
    ]
    for state in sorted(seen, key=list(State).index):
        if style := style_of(state):
            lines.append(f"    class {state} {style}")
    return "\n".join(("```mermaid", *lines, "```"))


def style_of(state: State) -> str:
    """Name the style of a state; an empty text for an open one."""
    if state is S.APPROVED:
        return "paid"
    if state in NEGATIVE:
        return "negative"
    return "over" if state in FINAL else ""


def remarks(kind: type[State | Signal]) -> dict[str, str]:
    """Read what the source says beside each member."""
    found = re.findall(r'^    (\w+) = "\1"(?:  # (.*))?$', inspect.getsource(kind), re.MULTILINE)
    return dict(found)


def glossary() -> str:
    """Explain the signals; those that need no word are left out."""
    lines = [f"| `{name}` | {remark} |" for name, remark in remarks(Signal).items() if remark]
    return "\n".join(("| Signal | Meaning |", "|---|---|", *lines))


def rows_of(state: State) -> str:
    """Write all the rows of a state, those that do the same on one line."""
    grouped: dict[Step, list[Signal]] = defaultdict(list)
    for signal in Signal:
        if row := TABLE.get((state, signal)):
            grouped[row].append(signal)
    lines = ["| Signal | Next | Commands |", "|---|---|---|"]
    stays = Step(state)
    for row, signals in sorted(grouped.items(), key=lambda item: item[0] == stays):
        said = ", ".join(f"`{signal}`" for signal in signals)
        to = "stays" if row.state is state else f"`{row.state}`"
        do = ", ".join(f"**`{c}`**" if c in CALLS else f"`{c}`" for c in row.commands)
        lines.append(f"| {said} | {to} | {do} |")
    return "\n".join(lines)


def make_page() -> str:
    """Write the whole page.

    Raises:
        LookupError: A state that can be left is in no phase.
    """
    drawn = {state for phase in PHASES for state in phase.states}
    if forgotten := {state for state, row in moves(State).items() if row} - drawn:
        raise LookupError(f"in no phase: {forgotten}")

    def names(states: Iterable[State]) -> str:
        return ", ".join(f"`{state}`" for state in sorted(states, key=list(State).index))

    loops = sum(row.state is at for (at, _), row in TABLE.items())
    head = HEAD.format(
        rows=len(TABLE),
        loops=loops,
        paid=names({S.APPROVED}),
        negative=names(NEGATIVE),
        others=names(FINAL - NEGATIVE - {S.APPROVED}),
    )
    parts = [head]
    parts += [f"## {phase.title}\n\n{phase.about}\n\n{diagram(phase)}\n" for phase in PHASES]
    parts.append(f"## The signals\n\n{glossary()}\n")
    parts.append(
        "## The whole table\n\nCommands in **bold** are network calls: at most one per row, and it is the last. "
        f"A customer can still pay in {names(ALIVE)}.\n"
    )
    said = remarks(State)
    parts += [
        f"### {state}\n\n{said[state][:1].upper()}{said[state][1:]}.\n\n{rows_of(state)}\n" for state in State
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(PAGE, make_page))
