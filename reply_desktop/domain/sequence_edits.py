"""What an edit of a sequence means for the prospects already in it, and how it is told. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from reply_desktop.domain.durations import write_duration
from reply_desktop.domain.preflight import named
from reply_desktop.domain.sequence import Ramp, Sequence, Step, Stranded, StrandedKind
from reply_desktop.domain.window import SendingWindow


@dataclass(frozen=True, slots=True)
class Carried:
    """Where prospects are after an edit of the steps.

    `numbers`: how far a prospect was → how far it is now, only where that differs. `waits`: how far it is now
    → seconds from its last mail to the next, only where that step or its delay changed; the first step waits
    for nobody's mail and is not among them. `finished_from`: who is so far is done; None while there is no
    step at all.
    """

    numbers: Mapping[int, int]
    waits: Mapping[int, float]
    finished_from: int | None


def carry_over(before: Sequence, after: Sequence) -> Carried:
    """Where prospects are after an edit: behind the last of the steps they had that is still there.

    So none gets a step twice, nor one that was put in front of a step it had; removed steps are skipped.
    """
    place = {step.id: step.number for step in after.steps}
    moved, waits = {}, {}
    for far in (0, *(step.number for step in before.steps)):
        had = [step.id for step in before.steps if step.number <= far]
        now = moved[far] = max((place[one] for one in had if one in place), default=0)
        followed, follows = before.step_after(far), after.step_after(now)
        if far and follows and (followed is None or _wait(followed) != _wait(follows)):
            waits[now] = follows.after_s
    return Carried(
        MappingProxyType({far: now for far, now in moved.items() if far != now}),
        MappingProxyType(waits),
        after.steps[-1].number if after.steps else None,
    )


def told_edit(before: Sequence, after: Sequence, address_of: Callable[[str], str]) -> str:
    """What the person changed, in one sentence; "" for nothing. `address_of` names an account by its id."""
    parts = [
        words(getattr(after, name))
        for name, words in _SETTINGS.items()
        if getattr(before, name) != getattr(after, name)
    ]
    gone = [address_of(one) for one in before.accounts if one not in after.accounts]
    come = [address_of(one) for one in after.accounts if one not in before.accounts]
    if come:
        parts.append(f"it also sends from {named(come)}")
    if gone:
        parts.append(f"it no longer sends from {named(gone)}")
    if not come and not gone and before.accounts != after.accounts:
        parts.append("the order of its accounts")
    parts += _told_steps(before, after)
    return f"You changed the sequence: {'; '.join(parts)}." if parts else ""


def _wait(step: Step) -> tuple[str, float]:
    return step.id, step.after_s


def _told_steps(before: Sequence, after: Sequence) -> list[str]:
    known = {step.id: step for step in before.steps}
    kept = [step for step in after.steps if step.id in known]
    parts = [f"step {step.number} was removed" for step in before.steps if after.step(step.id) is None]
    parts += [f"step {step.number} is new" for step in after.steps if step.id not in known]
    for step in kept:
        old = known[step.id]
        if (old.subject, old.body, old.html) != (step.subject, step.body, step.html):
            parts.append(f"step {step.number} has another text")
        if old.after_s != step.after_s:
            parts.append(f"step {step.number} comes after {write_duration(step.after_s)}")
    order = [known[step.id].number for step in kept]
    if order != sorted(order):
        parts.append("the order of its steps")
    return parts


def _window(window: SendingWindow) -> str:
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    on = ", ".join(days[day - 1] for day in window.days)
    return f"it sends {on} {window.opens:%H:%M} to {window.closes:%H:%M} {window.timezone}"


def _ramp(ramp: Ramp | None) -> str:
    return f"it warms up with {ramp.first} mails and {ramp.step} more each day" if ramp else "no warming up"


def _stranded(policy: Stranded) -> str:
    return {
        StrandedKind.WAIT: "stranded prospects wait for their account",
        StrandedKind.MOVE_AFTER: f"stranded prospects move after {write_duration(policy.after_s)}",
        StrandedKind.MOVE_UNSTARTED: "stranded prospects move when nothing has reached them yet",
    }[policy.kind]


_SETTINGS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "name": lambda name: f"its name is now “{name}”",
        "window": _window,
        "gap_s": lambda gap: f"{gap[0]:g} to {gap[1]:g} seconds between two mails",
        "daily_limit": lambda limit: f"a daily limit of {limit}" if limit else "no daily limit of its own",
        "ramp": _ramp,
        "stranded": _stranded,
        "sender_name": lambda name: f"the sender's name is “{name}”" if name else "no sender's name",
        "unsubscribe": lambda on: "with a way to unsubscribe" if on else "without a way to unsubscribe",
        "stop_on_reply": lambda on: "a reply ends it" if on else "it goes on after a reply",
    }
)
"""Setting → how its new value is told."""
