"""What a person does to sequences: make and edit, launch, pause, remove, stop all sending, look at them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from reply_desktop.domain import events, preflight
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import words
from reply_desktop.domain.enrollment import FinishReason
from reply_desktop.domain.errors import AlreadyExists, InvalidInput, NotFound
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.notification import plain, provider_name
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import AUTO_START_S, SequenceMove, SequenceStatus, StrandedKind, moved
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence_checks import check_sequence
from reply_desktop.domain.sequence_edits import carry_over, told_edit
from reply_desktop.domain.sequence_rows import SenderRow, SequenceDetail, SequenceRow
from reply_desktop.domain.states import CAN_SEND, State
from reply_desktop.services.bus import Bus
from reply_desktop.services.delivery import PAUSED, is_paused
from reply_desktop.services.ports import Chance, Clock, MailProvider, Store, UnitOfWork
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequence_ports import Composer

SPREAD_S: Final = 300.0
"""Sequences launched without a time begin up to so much earlier or later than AUTO_START_S, in seconds."""
LATE_S: Final = 60.0
"""A chosen time may be over by so much: a person was slower than the clock. In seconds."""

_COUNTED: Final = 10_000


class SequenceDesk:
    """The person's commands on sequences, which are named by id or by name.

    Every change is one commit, and is told afterwards. `wake()`: when mail may leave has changed.
    `check(account_id)`: ask the account's provider now, in the background.
    """

    def __init__(
        self,
        store: Store,
        feed: SequenceFeed,
        composer: Composer,
        providers: Mapping[Provider, MailProvider],
        bus: Bus,
        clock: Clock,
        chance: Chance,
        new_id: Callable[[], str],
        check: Callable[[str], object],
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._feed = feed
        self._composer = composer
        self._providers = providers
        self._bus = bus
        self._clock = clock
        self._chance = chance
        self._new_id = new_id
        self._check = check
        self._wake = wake

    def find(self, name: str) -> MailSequence:
        """The sequence with this id or name. Raises NotFound."""
        with self._store.read() as unit:
            return _found(unit, name)

    def rows(self) -> list[SequenceRow]:
        """All sequences, by name."""
        return self._feed.rows()

    def row(self, sequence_id: str) -> SequenceRow:
        """One sequence's row. Raises NotFound when it is gone meanwhile."""
        found = self._feed.rows([sequence_id])
        if not found:
            raise NotFound("That sequence is not there any more.", "See the list of sequences.")
        return found[0]

    def detail(self, name: str) -> SequenceDetail:
        """All about one sequence. Raises NotFound."""
        now = self._clock.now()
        with self._store.read() as unit:
            sequence = _found(unit, name)
            senders = []
            for account_id in sequence.accounts:
                account = unit.accounts.get(account_id)
                if account is not None:
                    out = account.state not in CAN_SEND
                    waiting = unit.enrollments.late(sequence.id, [account_id], now) if out else 0
                    senders.append(self._sender(account, waiting))
        fields = tuple(self._store.reads.sequences.fields(sequence.id))
        return SequenceDetail(self.row(sequence.id), sequence, tuple(senders), fields)

    def save(self, wanted: MailSequence) -> SequenceDetail:
        """Make a sequence, or change it; prospects in it keep what they had and go on from there.

        Raises InvalidInput for what cannot be or was changed meanwhile, AlreadyExists for a name that is
        taken, NotFound for a sequence or an account that is gone.
        """
        now = self._clock.now()
        wanted = replace(
            wanted,
            name=wanted.name.strip(),
            sender_name=wanted.sender_name.strip(),
            steps=tuple(replace(step, number=number) for number, step in enumerate(wanted.steps, 1)),
        )
        check_sequence(wanted)
        for step in wanted.steps:
            self._composer.fields_of(step)
        with self._store.begin() as unit:
            before = unit.sequences.get(wanted.id) if wanted.id else None
            if wanted.id and before is None:
                raise NotFound(f"“{wanted.name}” is not there any more.", "Save it as a new sequence.")
            _check_names(unit, wanted)
            if before is None:
                after = self._with_step_ids(
                    MailSequence(self._new_id(), wanted.name, now, revision=1), wanted, known=()
                )
                unit.sequences.add(after)
                entries: list[LogEntry] = []
            else:
                if wanted.revision != before.revision:
                    raise InvalidInput(f"“{before.name}” was changed meanwhile.", "Open it again.")
                after = self._with_step_ids(before, wanted, known=[step.id for step in before.steps])
                after = replace(after, revision=before.revision + 1)
                entries = self._edit(unit, before, after, now)
            unit.commit()
        touched = {*after.accounts, *(before.accounts if before else ())}
        self._tell(after.id, entries, touched, many=before is not None and before.steps != after.steps)
        return self.detail(after.id)

    def launch(self, name: str, start_at: datetime | None = None, *, at_once: bool = False) -> SequenceRow:
        """Let a sequence send at `start_at` (aware UTC), at once, or by itself in 10 to 20 minutes.

        Its accounts are asked for proof meanwhile. What keeps it from sending is in the row and in the log.
        Raises InvalidInput for a time that is over, or when its status does not allow it.
        """
        now = self._clock.now()
        if start_at is not None and start_at < now - timedelta(seconds=LATE_S):
            raise InvalidInput(f"{_at(start_at)} is over.", "Choose a time to come, or start at once.")
        if at_once:
            begins_at = now
        elif start_at is not None:
            begins_at = max(start_at, now)
        else:
            begins_at = now + timedelta(seconds=AUTO_START_S + SPREAD_S * (2 * self._chance() - 1))
        with self._store.begin() as unit:
            sequence = moved(_found(unit, name), SequenceMove.LAUNCH, now, begins_at)
            accounts = [unit.accounts.get(account_id) for account_id in sequence.accounts]
            there = [account for account in accounts if account is not None]
            problem = preflight.check(
                sequence,
                can_send=[account.id for account in there if account.state in CAN_SEND],
                open_prospects=unit.enrollments.open_count(sequence.id),
            )
            unit.sequences.save(replace(sequence, problem=problem))
            when = "now" if begins_at <= now else f"by itself at {_at(begins_at)}"
            entries = [
                LogEntry(now, sequence.id, LogKind.LAUNCHED, f"You launched it: sending begins {when}.")
            ]
            if problem is not None:
                told = preflight.words(problem, [account.address for account in there])
                text = f"{told.what} {told.todo}"
                entries.append(LogEntry(now, sequence.id, LogKind.CANNOT_BEGIN, text))
            entries = unit.log.add(entries)
            unit.commit()
        for account in there:
            if account.state not in (State.NEW, State.PAUSED):
                self._check(account.id)
        self._tell(sequence.id, entries, sequence.accounts)
        return self.row(sequence.id)

    def pause(self, name: str) -> SequenceRow:
        """Stop a sequence; a mail just being handed over still goes. Raises InvalidInput when it is off."""
        now = self._clock.now()
        with self._store.begin() as unit:
            sequence = moved(_found(unit, name), SequenceMove.PAUSE, now)
            unit.sequences.save(replace(sequence, problem=None))
            entries = unit.log.add([LogEntry(now, sequence.id, LogKind.PAUSED, "You paused it.")])
            unit.commit()
        self._tell(sequence.id, entries, sequence.accounts)
        return self.row(sequence.id)

    def remove(self, names: Sequence[str]) -> None:
        """Forget these sequences, all or none. Raises NotFound."""
        with self._store.begin() as unit:
            gone = {one.id: one for one in [_found(unit, name) for name in names]}
            for sequence_id in gone:
                unit.sequences.remove(sequence_id)
            unit.commit()
        self._wake()
        self._bus.publish([events.SequenceRemoved(one.id, one.name) for one in gone.values()])
        for one in gone.values():
            self._tell(one.id, (), one.accounts)

    @property
    def sending_paused(self) -> bool:
        """Whether the person stopped all sending."""
        with self._store.read() as unit:
            return is_paused(unit)

    def pause_sending(self, paused: bool) -> None:
        """Stop all sending of all sequences, or let it go on; holds until it is changed, over restarts."""
        with self._store.begin() as unit:
            if is_paused(unit) == paused:
                return
            unit.settings.put(PAUSED, json.dumps(paused))
            unit.commit()
        self._wake()
        self._bus.publish([events.SendingPaused(paused)])

    def _sender(self, account: Account, waiting: int) -> SenderRow:
        explanation, todo = "", ""
        if account.cause is not None:
            told = words(account.cause, account.address, provider_name(account))
            explanation, todo = f"{told.short}. {told.explanation}", told.steps[0] if told.steps else ""
        elif account.state in _UNCAUSED:
            explanation, todo = _UNCAUSED[account.state]
        reads = self._providers[account.provider].may_read(account)
        return SenderRow(
            account.id, account.address, account.provider, account.state, explanation, todo, reads, waiting
        )

    def _with_step_ids(self, base: MailSequence, wanted: MailSequence, known: Iterable[str]) -> MailSequence:
        """The settings wanted, with what is not a front's to say from `base`; steps get ids of their own."""
        left = set(known)
        steps = []
        for step in wanted.steps:
            if step.id in left:
                left.remove(step.id)
                steps.append(step)
            else:
                steps.append(replace(step, id=self._new_id()))
        return replace(
            wanted,
            id=base.id,
            created_at=base.created_at,
            status=base.status,
            start_at=base.start_at,
            started_at=base.started_at,
            problem=base.problem,
            revision=base.revision,
            steps=tuple(steps),
        )

    def _edit(
        self, unit: UnitOfWork, before: MailSequence, after: MailSequence, now: datetime
    ) -> list[LogEntry]:
        carried = carry_over(before, after)
        if carried.numbers:
            unit.enrollments.renumber(after.id, carried.numbers)
        waits = dict(carried.waits)
        if after.stranded.kind is StrandedKind.MOVE_AFTER is not before.stranded.kind:
            # Prospects whose account was removed may go on from another one now.
            waits |= {one.number: following.after_s for one, following in pairwise(after.steps)}
        for done, wait_s in waits.items():
            unit.enrollments.reschedule(after.id, done, wait_s)
        if before.steps != after.steps and carried.finished_from is not None:
            unit.enrollments.finish_done(after.id, carried.finished_from, FinishReason.COMPLETED, now)
        text = told_edit(before, after, lambda account_id: _address(unit, account_id))
        if not text:
            return []
        unit.sequences.save(after)
        if before.status is SequenceStatus.DRAFT:
            return []
        gone = [account_id for account_id in before.accounts if account_id not in after.accounts]
        text += "".join(_told_stranded(unit, after.id, account_id) for account_id in gone)
        return unit.log.add([LogEntry(now, after.id, LogKind.EDITED, plain(text, 2000))])

    def _tell(
        self, sequence_id: str, entries: Iterable[LogEntry], accounts: Iterable[str], *, many: bool = False
    ) -> None:
        self._wake()
        self._feed.changed(sequence_id, entries=entries, many=many)
        # Their rows say by how many running sequences they are used.
        for account_id in accounts:
            self._feed.changed(sequence_id, account_id=account_id)


_UNCAUSED: Final = {
    State.PAUSED: ("You paused it.", "Resume it in Settings → Email accounts."),
    State.NEW: ("It is not signed in.", "Sign in to it in Settings → Email accounts."),
}
"""State without a cause in which an account cannot send → why, and what to do."""


def _found(unit: UnitOfWork, name: str) -> MailSequence:
    found = unit.sequences.get(name) or unit.sequences.find(name)
    if found is None:
        raise NotFound(f"There is no sequence “{plain(name, 100)}”.", "See the list of sequences.")
    return found


def _check_names(unit: UnitOfWork, wanted: MailSequence) -> None:
    namesake = unit.sequences.find(wanted.name)
    if namesake is not None and namesake.id != wanted.id:
        raise AlreadyExists(f"A sequence named “{namesake.name}” is there already.", "Choose another name.")
    for account_id in wanted.accounts:
        if unit.accounts.get(account_id) is None:
            raise NotFound("A sending account of the sequence is not there any more.", "Choose again.")


def _address(unit: UnitOfWork, account_id: str) -> str:
    account = unit.accounts.get(account_id)
    return "a removed account" if account is None else account.address


def _told_stranded(unit: UnitOfWork, sequence_id: str, account_id: str) -> str:
    stranded = unit.enrollments.stranded(sequence_id, account_id, unstarted=False, limit=_COUNTED)
    if not stranded:
        return ""
    many = f"{len(stranded):,}" + (" or more" if len(stranded) == _COUNTED else "")
    return (
        f" Prospects who were written to from {_address(unit, account_id)}, {many} of them, "
        "wait or go on from another account, as the sequence's setting for stranded prospects says."
    )


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
