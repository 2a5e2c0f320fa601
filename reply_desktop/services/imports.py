"""Brings prospects from files into sequences: all is read and checked first, then kept whole or not.

Keeping a hundred thousand takes seconds, in which others must be able to write. So they are enrolled part by
part, unseen by lists, counts and the sender. What a crash, a cancel or a full disk leaves then is taken back,
part by part too. Once all are there, one small commit decides: from then on the import comes to its end,
crash or not. Known prospects get their new fields, and a last small commit shows all those enrolled.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import PurePath
from typing import Final, Protocol

from reply_desktop.domain import events
from reply_desktop.domain.address import mailbox_key, parse_address
from reply_desktop.domain.enrollment import Enrollment
from reply_desktop.domain.errors import (
    EngineUnavailable,
    InvalidInput,
    NotFound,
    ReplyDesktopError,
)
from reply_desktop.domain.events import ImportPhase
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.merge_field import ALWAYS_THERE, field_name
from reply_desktop.domain.notification import plain
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import ImportChoice, ImportPreview, ImportReport, Skipped
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, Tasks, UnitOfWork

_log = logging.getLogger(__name__)

TOLD_EVERY_S: Final = 0.1
"""How often progress is told at most, in seconds."""
LISTED: Final = 1000
"""How many skipped lines a report names."""

PART: Final = 500
"""How many prospects are enrolled, or taken back, in one commit: 20 ms of work."""
AGAIN_S: Final = 15.0
"""How long a store that cannot be written is waited for between two tries, in seconds."""
REST_S: Final = 0.005
"""How long the store is left to others between two parts, in seconds."""

_TOO_LATE: Final = "It is too late to cancel: the prospects are kept, and are shown once that can be written."
_LOOK_EVERY: Final = 500
"""After how many rows it is seen whether the import was cancelled."""


class TableFiles(Protocol):
    """Reads tables from files. Raises InvalidInput that names the file and what is wrong with it."""

    def read_preview(
        self, path: str, encoding: str | None = None, delimiter: str | None = None, /
    ) -> ImportPreview:
        """How a file is understood; what is given is not guessed."""

    def rows(
        self, path: str, encoding: str | None = None, delimiter: str | None = None, /
    ) -> Iterator[tuple[int, list[str]]]:
        """Each row after the header that is not empty, with the number of its first line."""


class Feed(Protocol):
    """Tells fronts after a commit that a sequence looks different; see `SequenceFeed`."""

    def changed(self, sequence_id: str, *, entries: Iterable[LogEntry] = (), many: bool = False) -> None: ...


class _Cancelled(Exception):
    """The person stopped the import."""


class _PutOff(ReplyDesktopError):
    """The import is decided, and comes to its end only when the engine starts again."""

    def __init__(self) -> None:
        super().__init__("The prospects are kept but not shown yet.", "They come at the app's next start.")


_Candidate = tuple[int, str, tuple[str, ...]]
"""A row that can become a prospect: line, address, and values that go with the import's field names.

Nothing but a tuple: a hundred thousand of any other kind make the garbage collector stop all threads long.
"""


@dataclass
class _Tally:
    """What has become of the rows so far. `listed` names skipped lines, the first thousand of each kind."""

    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    listed: dict[str, list[Skipped]] = field(default_factory=dict)

    def skip(self, kind: str, line: int, value: str, why: str) -> None:
        """Count a row that is not enrolled, and say why."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        listed = self.listed.setdefault(kind, [])
        if len(listed) < LISTED:
            listed.append(Skipped(line, plain(value, 254), why))

    def report(self, enrolled: int, updated: int) -> ImportReport:
        """What the import came to."""
        skipped = sorted((one for kind in self.listed.values() for one in kind), key=lambda one: one.line)
        return ImportReport(
            self.rows,
            enrolled,
            updated,
            self.counts.get("already", 0),
            self.counts.get("repeated", 0),
            self.counts.get("invalid", 0),
            self.counts.get("suppressed", 0),
            tuple(skipped[:LISTED]),
        )


@dataclass
class _Kept:
    """What an import has enrolled so far. `seed`: an id of 20 characters or more that is nobody's."""

    sequence_id: str
    at: datetime
    ordinal: int
    seed: str
    enrolled: int = 0
    updated: int = 0
    fields: set[str] = field(default_factory=set)
    made: int = 0

    def new_id(self) -> str:
        """An id of 32 characters. Those of one import follow one another, which costs an index far less."""
        self.made += 1
        return f"{self.seed[:20]}{self.made:012x}"


class _Import:
    """One import under way: its progress, whether it was cancelled, and whether its end was told."""

    def __init__(self, import_id: str, bus: Bus, clock: Clock) -> None:
        self._id = import_id
        self._bus = bus
        self._clock = clock
        self._phase: ImportPhase | None = None
        self._told_at = 0.0
        self._cancelled = threading.Event()
        self.is_over = False

    def cancel(self) -> None:
        """Let it end at its next look."""
        self._cancelled.set()

    def heed(self) -> None:
        """Raises _Cancelled when the person has stopped it."""
        if self._cancelled.is_set():
            raise _Cancelled

    def is_cancelled_in(self, wait_s: float) -> bool:
        """Whether the person has stopped it, or does so in the next seconds."""
        return self._cancelled.wait(wait_s)

    def tell(self, phase: ImportPhase, done: int, total: int) -> None:
        """Tell how far it is, not too often."""
        now = self._clock.monotonic()
        if phase is not self._phase or now - self._told_at >= TOLD_EVERY_S:
            self._phase, self._told_at = phase, now
            self._bus.publish([events.ImportProgress(self._id, done, max(done, total), phase=phase)])

    def end(self, report: ImportReport | None, error: str | None = None) -> None:
        """Tell how it ended; only the first word counts."""
        if not self.is_over:
            self.is_over = True
            rows = report.rows if report else 0
            self._bus.publish([events.ImportProgress(self._id, rows, rows, report, error)])


class Imports:
    """Previews, runs and cancels imports. An import that fails or is cancelled leaves nothing behind.

    `wake()`: there may be mail to send now. `again_s`: until a store that cannot be written is tried again.
    """

    def __init__(
        self,
        store: Store,
        files: TableFiles,
        feed: Feed,
        bus: Bus,
        clock: Clock,
        tasks: Tasks,
        new_id: Callable[[], str],
        wake: Callable[[], None],
        again_s: float = AGAIN_S,
    ) -> None:
        self._store = store
        self._files = files
        self._feed = feed
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._new_id = new_id
        self._wake = wake
        self._again_s = again_s
        self._running: dict[str, _Import] = {}
        self._lock = threading.Lock()
        self._keeping = threading.Lock()
        self._ending = threading.Event()

    def preview(self, path: str, encoding: str | None = None, delimiter: str | None = None) -> ImportPreview:
        """How a file would be read. Raises InvalidInput that tells what is wrong with it."""
        return self._files.read_preview(path, encoding, delimiter)

    def start(self, sequence_id: str, path: str, choice: ImportChoice | None, import_id: str) -> None:
        """Import in the background; `ImportProgress` tells of it until it brings a report or an error.

        Without a choice the columns are taken as `preview` understands them. Raises NotFound when the
        sequence is gone, and EngineUnavailable when the engine is ending.
        """
        with self._store.read() as unit:
            _require(unit, sequence_id)
        running = _Import(import_id, self._bus, self._clock)
        with self._lock:
            self._running[import_id] = running
            if self._ending.is_set():
                running.cancel()
        try:
            self._tasks.submit(lambda: self._run(running, import_id, sequence_id, path, choice))
        except EngineUnavailable:
            self._forget(import_id)
            raise

    def tidy(self) -> None:
        """At the engine's start: take back, in the background, what a crash left of an import."""
        with self._store.read() as unit:
            if unit.imports.begun():
                self._tasks.submit(self._tidy)

    def cancel(self, import_id: str) -> None:
        """Stop an import; nothing of it is kept. One that is over, or was never begun, stays as it is."""
        with self._lock:
            running = self._running.get(import_id)
        if running is not None:
            running.cancel()

    def stop(self) -> None:
        """The engine is ending: imports under way are cancelled; its next start takes back what they kept."""
        with self._lock:
            self._ending.set()
            for running in self._running.values():
                running.cancel()

    def _run(
        self, running: _Import, import_id: str, sequence_id: str, path: str, choice: ImportChoice | None
    ) -> None:
        report, error = None, None
        try:
            report = self._import(running, sequence_id, path, choice)
        except _Cancelled:
            report = ImportReport(0, 0, 0, 0, 0, 0, 0, (), cancelled=True)
        except _PutOff as put_off:
            error = str(put_off)
        except ReplyDesktopError as failure:
            error = f"{failure} Nothing was imported."
        except Exception:
            _log.exception("An import failed by a fault of the app's own")
            error = "The import failed by a fault of the app's own. Nothing was imported."
        finally:
            self._forget(import_id)
            running.end(report, error)

    def _forget(self, import_id: str) -> None:
        with self._lock:
            self._running.pop(import_id, None)

    def _import(
        self, running: _Import, sequence_id: str, path: str, choice: ImportChoice | None
    ) -> ImportReport:
        encoding, delimiter = (choice.encoding, choice.delimiter) if choice else (None, None)
        preview = self._files.read_preview(path, encoding, delimiter)
        email_column, columns = _columns(preview, choice)
        tally = _Tally()
        found = self._read(running, preview, email_column, list(columns), tally)
        report, entries = self._keep(
            running, sequence_id, PurePath(path).name, found, tuple(columns.values()), tally
        )
        self._feed.changed(sequence_id, entries=entries, many=True)
        self._wake()
        return report

    def _read(
        self, running: _Import, preview: ImportPreview, email_column: int, columns: list[int], tally: _Tally
    ) -> dict[str, _Candidate]:
        """The rows that can become prospects, by `mailbox_key`, in the file's order."""
        found: dict[str, _Candidate] = {}
        for line, row in self._files.rows(preview.path, preview.encoding, preview.delimiter):
            if tally.rows % _LOOK_EVERY == 0:
                running.heed()
                running.tell(ImportPhase.READING, tally.rows, preview.rows)
            tally.rows += 1
            written = row[email_column].strip() if email_column < len(row) else ""
            try:
                email = parse_address(written)
            except InvalidInput as wrong:
                tally.skip("invalid", line, written, wrong.what if written else "There is no mail address.")
                continue
            key = mailbox_key(email)
            first = found.get(key)
            if first is not None:
                tally.skip("repeated", line, email, f"The address is in line {first[0]} already.")
                continue
            values = tuple(row[index].strip() if index < len(row) else "" for index in columns)
            # One text for both where they are equal, as they nearly always are.
            found[email if key == email else key] = (line, email, values)
        return found

    def _keep(
        self,
        running: _Import,
        sequence_id: str,
        file_name: str,
        found: dict[str, _Candidate],
        names: tuple[str, ...],
        tally: _Tally,
    ) -> tuple[ImportReport, list[LogEntry]]:
        """Enroll what was found, part by part, so that others can write in between.

        Should it not come to its end, what was enrolled is taken back.
        """
        with self._alone(running):
            now = self._clock.now()
            with self._store.begin() as unit:
                _require(unit, sequence_id)
                kept = _Kept(sequence_id, now, unit.imports.begin(sequence_id, now), self._new_id())
                unit.commit()
            try:
                waiting = iter(found.items())
                for start in range(0, len(found), PART):
                    running.heed()
                    running.tell(ImportPhase.ENROLLING, start, len(found))
                    self._take(kept, dict(islice(waiting, PART)), names, tally)
                    self._rest()
                running.heed()
                report = tally.report(kept.enrolled, kept.updated)
                with self._store.begin() as unit:
                    status = _require(unit, sequence_id)
                    unit.imports.decide(sequence_id, kept.fields, _says(status, file_name, report))
                    unit.commit()
            except BaseException:
                self._undo()
                raise
            return report, self._finish(running, kept.updated)

    def _take(
        self, kept: _Kept, part: Mapping[str, _Candidate], names: tuple[str, ...], tally: _Tally
    ) -> None:
        """Enroll these, in one commit."""
        new, enrollments, changed = [], [], []
        with self._store.begin() as unit:
            known = unit.prospects.known(part.keys())
            suppressed = unit.suppressions.among(part.keys())
            taken = unit.enrollments.enrolled(kept.sequence_id, [one.id for one in known.values()])
            for key, (line, email, values) in part.items():
                if key in suppressed:
                    tally.skip("suppressed", line, email, "It is on the suppression list.")
                    continue
                fields = {name: value for name, value in zip(names, values, strict=True) if value}
                prospect = known.get(key)
                if prospect is None:
                    prospect = Prospect(kept.new_id(), email, kept.at, fields)
                    new.append(prospect)
                elif (merged := {**prospect.fields, **fields}) != prospect.fields:
                    prospect = replace(prospect, fields=merged)
                    changed.append(prospect)
                if prospect.id in taken:
                    tally.skip("already", line, email, "It is in this sequence already.")
                    continue
                kept.ordinal += 1
                kept.fields.update(prospect.fields)
                enrollments.append(
                    Enrollment(kept.new_id(), kept.sequence_id, prospect.id, kept.ordinal, due_at=kept.at)
                )
            unit.imports.take(new, enrollments, changed)
            unit.commit()
        kept.enrolled += len(enrollments)
        kept.updated += len(changed)

    def _finish(self, running: _Import, updates: int) -> list[LogEntry]:
        """Bring this import, which is decided, to its end, and let it be seen.

        Raises NotFound when the sequence is gone, _PutOff when the engine is ending or by a fault of our own.
        """

        def wait(error: ReplyDesktopError) -> None:
            if running.is_over:
                self._ending.wait(self._again_s)
            elif running.is_cancelled_in(self._again_s) and not self._ending.is_set():
                running.end(None, f"{_TOO_LATE} {error}")

        done = 0

        def tell() -> None:
            nonlocal done
            running.tell(ImportPhase.UPDATING, done, updates)
            done = min(done + PART, updates)

        return self._bring_to_end(wait, tell)

    def _bring_to_end(
        self, wait: Callable[[ReplyDesktopError], None], tell: Callable[[], None] = lambda: None
    ) -> list[LogEntry]:
        """Let the import that is decided be seen. `wait(error)`: until that may be tried again.

        `tell()`: before each part. Raises as `_finish`, and what `wait` raises.
        """
        with self._store.read() as unit:
            begun = unit.imports.begun()
        if begun is None or begun.entry is None:
            raise NotFound("That sequence is not there any more.", "See the list of sequences.")
        entry = LogEntry(begun.at, begun.sequence_id, LogKind.IMPORTED, begun.entry)
        while True:
            try:
                return self._show(entry, tell)
            except NotFound:
                raise
            except ReplyDesktopError as error:
                _log.warning("An import waits to be shown: %s", error)
                wait(error)
                if self._ending.is_set():
                    raise _PutOff from error
            except Exception as fault:
                _log.exception("An import could not be shown by a fault of the app's own")
                raise _PutOff from fault

    def _show(self, entry: LogEntry, tell: Callable[[], None]) -> list[LogEntry]:
        more = True
        while more:
            tell()
            with self._store.begin() as unit:
                more = unit.imports.apply(PART)
                unit.commit()
            self._rest()
        with self._store.begin() as unit:
            unit.imports.finish(entry.sequence_id)
            entries = unit.log.add([entry])
            unit.commit()
        return entries

    @contextmanager
    def _alone(self, running: _Import) -> Iterator[None]:
        """No other import enrolls meanwhile, and nothing is left of one that came to no end."""
        while not self._keeping.acquire(timeout=TOLD_EVERY_S):
            running.heed()
        try:
            try:
                self._clear(running)
            except _PutOff as other:
                raise ReplyDesktopError(
                    "An import before this one has no end yet.", "Restart the app."
                ) from other
            # Should the engine be ending, something may be left all the same.
            running.heed()
            yield
        finally:
            self._keeping.release()

    def _tidy(self) -> None:
        with self._keeping:
            self._undo()

    def _undo(self) -> None:
        """Take back what was enrolled; what cannot be is seen by nobody and goes before the next import."""
        try:
            self._clear()
        except ReplyDesktopError as error:
            _log.warning("What is left of an import stays hidden until the next one: %s", error)

    def _clear(self, running: _Import | None = None) -> None:
        """What came to no end is brought to it if that was decided, and taken back otherwise.

        Raises _Cancelled as soon as the import is that this is done for.
        """

        def wait(error: ReplyDesktopError) -> None:
            if running is None:
                self._ending.wait(self._again_s)
            elif running.is_cancelled_in(self._again_s):
                raise _Cancelled

        with self._store.read() as unit:
            begun = unit.imports.begun()
        if begun is None or self._ending.is_set():
            return
        if begun.entry is not None:
            self._feed.changed(begun.sequence_id, entries=self._bring_to_end(wait), many=True)
            self._wake()
            return
        more = True
        while more and not self._ending.is_set():
            if running is not None:
                running.heed()
            with self._store.begin() as unit:
                more = unit.imports.undo(begun.sequence_id, PART)
                unit.commit()
            self._rest()

    def _rest(self) -> None:
        self._ending.wait(REST_S)


def _require(unit: UnitOfWork, sequence_id: str) -> SequenceStatus:
    sequence = unit.sequences.get(sequence_id)
    if sequence is None:
        raise NotFound("That sequence is not there any more.", "See the list of sequences.")
    return sequence.status


def _columns(preview: ImportPreview, choice: ImportChoice | None) -> tuple[int, dict[int, str]]:
    """Which column holds the addresses, and which become what merge field.

    Raises InvalidInput when there is no such column, or two would become the same field.
    """
    name = plain(PurePath(preview.path).name)
    email_column = choice.email_column if choice else preview.email_column
    if email_column is None:
        raise InvalidInput(f"“{name}” has no column of mail addresses.", "Choose one.")
    if not 0 <= email_column < len(preview.columns):
        raise InvalidInput(f"“{name}” has no column {email_column + 1}.", "Look at its preview again.")
    wanted: Mapping[int, str] = (
        choice.fields if choice else {index: one.field for index, one in enumerate(preview.columns)}
    )
    columns: dict[int, str] = {}
    for index, words in sorted(wanted.items()):
        field_of = field_name(words)
        if index == email_column or not field_of:
            continue
        if not 0 <= index < len(preview.columns):
            raise InvalidInput(f"“{name}” has no column {index + 1}.", "Look at its preview again.")
        if field_of in ALWAYS_THERE or field_of in columns.values():
            raise InvalidInput(f"{{{{ {field_of} }}}} is there already.", "Give the column another name.")
        columns[index] = field_of
    return email_column, columns


def _says(status: SequenceStatus, file_name: str, report: ImportReport) -> str:
    """What the Log tab says of an import."""
    skipped = report.rows - report.enrolled
    text = f"{_many(report.enrolled, 'prospect')} came from “{plain(file_name, 100)}”"
    text += f"; {_many(skipped, 'row')} did not." if skipped else "."
    if report.enrolled and status is SequenceStatus.FINISHED:
        text += " The sequence is finished: launch it again to write to them."
    return text


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
