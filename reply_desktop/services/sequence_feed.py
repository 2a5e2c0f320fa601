"""Tells fronts what changed in sequences, gathered: many mails in a moment make one event of each kind."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.sequence import ON
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.services.bus import Bus
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import Clock, Store, UnitOfWork
from reply_desktop.services.queries import Queries

GATHER_S: Final = 0.1
"""How long changes are gathered before rows are read once, in seconds."""
REST: Final = 10.0
"""Reading rows takes at most one part in so many of the time: long lists of prospects are told less often."""
LONGEST_S: Final = 2.0
NAMED: Final = 500
"""Most prospects named in one event; beyond it a front asks for its list anew."""


@dataclass
class News:
    """What one unit of work changed in sequences: gathered while it is open, told after its commit.

    `finished`: the sequence's id for each prospect that ended.
    """

    sequences: set[str] = field(default_factory=set)
    entries: list[LogEntry] = field(default_factory=list)
    prospects: dict[str, set[str]] = field(default_factory=dict)
    many: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    finished: list[str] = field(default_factory=list)

    def say(self, entry: LogEntry) -> None:
        """An entry for a Log tab."""
        self.entries.append(entry)
        self.sequences.add(entry.sequence_id)

    def prospect(self, sequence_id: str, enrollment_id: str) -> None:
        """A prospect of a sequence looks different."""
        self.sequences.add(sequence_id)
        self.prospects.setdefault(sequence_id, set()).add(enrollment_id)

    def write(self, unit: UnitOfWork) -> None:
        """Put the entries into the log, in the unit of work that the news is of."""
        if self.entries:
            self.entries = unit.log.add(self.entries)

    def take(self, other: "News") -> None:
        """Add another unit of work's news to this."""
        self.sequences |= other.sequences
        self.entries += other.entries
        self.many |= other.many
        self.accounts |= other.accounts
        for sequence_id, named in other.prospects.items():
            self.prospects.setdefault(sequence_id, set()).update(named)


@dataclass
class _Gathered:
    """What has changed since fronts were told last."""

    news: News = field(default_factory=News)
    everything: bool = False
    users_of: set[str] = field(default_factory=set)


class SequenceFeed:
    """Publishes LogAdded, ProspectsChanged, SequencesChanged and the rows of accounts that sent.

    Call it after commit. `later(seconds, run)` runs a callable once, after that time, on another thread.
    """

    def __init__(
        self,
        store: Store,
        queries: Queries,
        ledger: Ledger,
        bus: Bus,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._store = store
        self._queries = queries
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._later = later
        self._gathered = _Gathered()
        self._pending = False
        self._closed = False
        self._wait_s = GATHER_S
        self._trouble: str | None = None
        self._lock = threading.Lock()
        self._telling = threading.RLock()
        bus.listen(self._on_event)

    def rows(self, ids: Sequence[str] | None = None) -> list[SequenceRow]:
        """These sequences' rows, or all by name, with the trouble of the moment laid over them."""
        trouble = self._trouble
        found = self._store.reads.sequences.rows(ids)
        if trouble is None:
            return found
        return [
            replace(row, indicator=Color.RED, tooltip=f"{trouble}\n{row.tooltip}".strip())
            if row.status in ON
            else row
            for row in found
        ]

    def publish(self, news: News) -> None:
        """Tell this soon. `news.many`: sequences of which more prospects changed than can be named.

        `news.accounts`: accounts whose number of mails sent today changed.
        """
        with self._lock:
            self._gathered.news.take(news)
        self._soon()

    def changed(
        self,
        sequence_id: str,
        *,
        entries: Iterable[LogEntry] = (),
        enrollments: Iterable[str] = (),
        many: bool = False,
        account_id: str | None = None,
    ) -> None:
        """Tell one sequence's change soon; the words as in `publish`."""
        news = News({sequence_id}, list(entries))
        if many:
            news.many.add(sequence_id)
        for enrollment_id in enrollments:
            news.prospect(sequence_id, enrollment_id)
        if account_id is not None:
            news.accounts.add(account_id)
        self.publish(news)

    def trouble(self, text: str | None) -> None:
        """What keeps every running sequence from sending right now though nothing in the database says so."""
        if text == self._trouble:
            return
        self._trouble = text
        with self._lock:
            self._gathered.everything = True
        self._soon()

    def close(self) -> None:
        """Say nothing more; waits for what is being told."""
        with self._telling:
            self._closed = True

    def _soon(self) -> None:
        with self._lock:
            if self._pending or self._closed:
                return
            self._pending = True
        self._later(self._wait_s, self._tell)

    def _on_event(self, event: events.Event) -> None:
        with self._lock:
            if isinstance(event, events.AccountRemoved | events.SendingPaused):
                self._gathered.everything = True
            elif isinstance(event, events.AccountChanged):
                before, after = event.before, event.after
                if before is not None and (before.state, before.cause) == (after.state, after.cause):
                    return
                self._gathered.users_of.add(after.id)
            else:
                return
        self._soon()

    def _tell(self) -> None:
        with self._lock:
            self._pending = False
            gathered, self._gathered = self._gathered, _Gathered()
        with self._telling:
            if self._closed:
                return
            began = self._clock.monotonic()
            told = self._read(gathered)
            took_s = self._clock.monotonic() - began
            self._wait_s = min(max(GATHER_S, REST * took_s), LONGEST_S)
            self._bus.publish(told)
            for account_id in gathered.news.accounts:
                self._show(account_id)

    def _read(self, gathered: _Gathered) -> list[events.Event]:
        news = gathered.news
        ids = set(news.sequences) | news.many
        if gathered.users_of and not gathered.everything:
            with self._store.read() as unit:
                for account_id in gathered.users_of:
                    ids.update(unit.sequences.using(account_id))
        told: list[events.Event] = []
        if news.entries:
            told.append(events.LogAdded(tuple(sorted(news.entries, key=lambda entry: entry.id))))
        for sequence_id in sorted(news.many | news.prospects.keys()):
            named = () if sequence_id in news.many else news.prospects[sequence_id]
            told.append(
                events.ProspectsChanged(sequence_id, tuple(sorted(named if len(named) <= NAMED else ())))
            )
        if gathered.everything or ids:
            rows = self.rows(None if gathered.everything else sorted(ids))
            told.append(events.SequencesChanged(tuple(rows)))
        return told

    def _show(self, account_id: str) -> None:
        self._queries.forget(account_id)
        with self._store.read() as unit:
            account = unit.accounts.get(account_id)
        if account is not None:
            self._ledger.show(account)
