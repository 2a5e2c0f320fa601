"""Imports are kept whole or not at all, their counts add up, and every row left out is named with its reason."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from reply_desktop.adapters import csv_file
from reply_desktop.domain import events
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.errors import (
    EngineUnavailable,
    InvalidInput,
    NotFound,
    ReplyDesktopError,
    StoreFull,
)
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.sequence import Sequence, SequenceStatus
from reply_desktop.domain.sequence_rows import ImportChoice, ImportReport, ProspectFilter, Skipped
from reply_desktop.services.bus import Bus
from reply_desktop.services.imports import LISTED, PART, Imports
from tests.fakes.clock import FakeClock
from tests.fakes.watched_store import WatchedStore


class SlowFile:
    """The real reader, with something done before each row, as if by others meanwhile."""

    read_preview = staticmethod(csv_file.read_preview)

    def __init__(self) -> None:
        self.before_row: Callable[[int], None] = lambda line: None

    def rows(
        self, path: str, encoding: str | None = None, delimiter: str | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        for line, row in csv_file.rows(path, encoding, delimiter):
            self.before_row(line)
            yield line, row


class World:
    """A real store with one sequence, and an importer whose work is done at once."""

    def __init__(
        self, folder: Path, clock: FakeClock, max_pages: int | None = None, again_s: float = 0.0
    ) -> None:
        self.folder = folder
        self.sequence_id = "s1"
        self.clock = clock
        fresh = not (folder / "reply.db").exists()
        self.store = WatchedStore(folder / "reply.db", clock, max_pages=max_pages)
        self.file = SlowFile()
        self.told: list[events.ImportProgress] = []
        self.changed_by: list[LogEntry] = []
        self.woken = 0
        self.on_end: Callable[[], None] = lambda: None
        self.submit: Callable[[Callable[[], None]], None] = lambda run: run()
        bus = Bus()
        bus.listen(self.hear)
        ids = count(1 if fresh else 1_000_000)
        self.imports = Imports(
            self.store,
            self.file,
            self,
            bus,
            clock,
            self,
            lambda: f"id{next(ids):018}",
            self.wake,
            again_s=again_s,
        )
        if fresh:
            self._begin()

    def _begin(self) -> None:
        clock = self.clock
        with self.store.begin() as unit:
            unit.sequences.add(Sequence("s1", "Spring", clock.now()))
            unit.sequences.add(Sequence("s2", "Autumn", clock.now()))
            unit.commit()

    def hear(self, event: events.Event) -> None:
        if isinstance(event, events.ImportProgress):
            self.told.append(event)
            if event.report or event.error:
                self.on_end()

    def changed(self, sequence_id: str, *, entries: Iterable[LogEntry] = (), many: bool = False) -> None:
        assert (sequence_id, many) == (self.sequence_id, True)
        self.changed_by.extend(entries)

    def at_write(self, number: int, do: Callable[[], None]) -> None:
        """Have this done before the unit of work that writes and is the so-manieth from now on."""
        numbers = count(1)

        def look() -> None:
            if next(numbers) == number:
                do()

        self.store.before_write = look

    def wake(self) -> None:
        self.woken += 1

    def bring(self, text: str, choice: ImportChoice | None = None) -> ImportReport:
        path = self.folder / "people.csv"
        path.write_text(text, encoding="utf-8")
        self.imports.start(self.sequence_id, str(path), choice, "i1")
        report = self.told[-1].report
        assert report is not None, self.told[-1].error
        assert report.rows == sum(
            (report.enrolled, report.already, report.repeated, report.invalid, report.suppressed)
        )
        return report

    def fail(self, text: str, choice: ImportChoice | None = None) -> str:
        path = self.folder / "people.csv"
        path.write_text(text, encoding="utf-8")
        self.imports.start("s1", str(path), choice, "i1")
        assert self.told[-1].report is None
        return self.told[-1].error or ""

    def enrolled(self) -> list[tuple[str, dict[str, str]]]:
        ids = self.store.reads.sequences.prospect_ids(ProspectFilter("s1"))
        return [(row.email, dict(row.fields)) for row in self.store.reads.sequences.prospect_rows(ids)]

    def prospect(self, email: str) -> Prospect | None:
        with self.store.read() as unit:
            return unit.prospects.find(email)


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> Iterator[World]:
    made = World(tmp_path, clock)
    yield made
    made.store.close()


PEOPLE = "First Name,Email,Company\nAna,Ana@x.example,Ark\nBen,ben@x.example,\n"


def test_prospects_come_in_the_files_order_with_their_fields(world: World) -> None:
    report = world.bring(PEOPLE)
    assert report == ImportReport(2, 2, 0, 0, 0, 0, 0, ())
    assert world.enrolled() == [
        ("ana@x.example", {"first_name": "Ana", "company": "Ark"}),
        ("ben@x.example", {"first_name": "Ben"}),
    ]
    assert world.woken == 1


def test_new_enrollments_are_due_now_and_after_those_before(world: World) -> None:
    world.bring(PEOPLE)
    world.clock.advance(60)
    world.bring("email\ncarl@x.example\n")
    with world.store.read() as unit:
        assert unit.enrollments.last_ordinal("s1") == 3
        carl = unit.prospects.find("carl@x.example")
        assert carl is not None
        enrollment = unit.enrollments.find("s1", carl.id)
    assert enrollment is not None
    assert enrollment.ordinal == 3
    assert enrollment.due_at == carl.created_at == world.clock.now()
    assert enrollment.state is EnrollmentState.WAITING
    assert enrollment.account_id is None


def test_every_row_left_out_is_named(world: World) -> None:
    with world.store.begin() as unit:
        unit.suppressions.put(Suppression("NO@x.example", SuppressionReason.UNSUBSCRIBED, world.clock.now()))
        unit.commit()
    world.bring("email\nben@x.example\n")
    report = world.bring(
        "email,name\n"
        "no@x.example,No\n"
        "ana@x.example,Ana\n"
        "ben@x.example,Ben\n"
        "nonsense,X\n"
        "ANA@x.example,Ana again\n"
        " ,Nobody\n"
    )
    assert replace(report, skipped=()) == ImportReport(6, 1, 1, 1, 1, 2, 1, ())
    assert report.skipped == (
        Skipped(2, "no@x.example", "It is on the suppression list."),
        Skipped(4, "ben@x.example", "It is in this sequence already."),
        Skipped(5, "nonsense", "“nonsense” is not a mail address."),
        Skipped(6, "ana@x.example", "The address is in line 3 already."),
        Skipped(7, "", "There is no mail address."),
    )
    assert world.prospect("no@x.example") is None
    assert dict(world.enrolled())["ana@x.example"] == {"name": "Ana"}


def test_the_first_thousand_skipped_lines_are_listed_in_order(world: World) -> None:
    lines = ["email", "ana@x.example", *("ana@x.example" if n % 2 else "bad" for n in range(3000))]
    report = world.bring("\n".join(lines))
    assert (report.rows, report.repeated, report.invalid) == (3001, 1500, 1500)
    assert [one.line for one in report.skipped] == [*range(3, 3 + LISTED)]


def test_known_prospects_get_new_values_and_lose_none(world: World) -> None:
    world.bring("email,name,town\nana@x.example,Ana,Ulm\nben@x.example,Ben,Ulm\n")
    report = world.bring("email,name,town,age\nana@x.example,Anna,,40\nben@x.example,Ben,,\n")
    assert (report.updated, report.already) == (1, 2)
    assert world.enrolled() == [
        ("ana@x.example", {"name": "Anna", "town": "Ulm", "age": "40"}),
        ("ben@x.example", {"name": "Ben", "town": "Ulm"}),
    ]


def test_one_prospect_can_be_in_two_sequences(world: World) -> None:
    world.bring(PEOPLE)
    before = world.prospect("ana@x.example")
    world.sequence_id = "s2"
    assert world.bring(PEOPLE).enrolled == 2
    assert world.bring(PEOPLE).already == 2
    assert world.prospect("ana@x.example") == before


def test_a_choice_names_columns_and_leaves_others_out(world: World) -> None:
    text = "a;mail 1;mail 2\nAna;ana@x.example;ana@y.example\n"
    report = world.bring(text, ImportChoice(2, {0: "First Name", 1: "second mail", 2: "x"}, "utf-8", ";"))
    assert report.enrolled == 1
    assert world.enrolled() == [("ana@y.example", {"first_name": "Ana", "second_mail": "ana@x.example"})]
    world.bring("a,email\nBen,ben@x.example\n", ImportChoice(1))
    assert dict(world.enrolled())["ben@x.example"] == {}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (None, "has no column of mail addresses"),
        (ImportChoice(7), "has no column 8"),
        (ImportChoice(0, {9: "x"}), "has no column 10"),
        (ImportChoice(0, {1: "Name", 2: "name"}), "{{ name }} is there already"),
        (ImportChoice(0, {1: "Sender"}), "{{ sender }} is there already"),
        (ImportChoice(0, {}, "klingon"), "no text encoding"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(world: World, choice: ImportChoice | None, words: str) -> None:
    error = world.fail("a,b,c\n1,2,3\n", choice)
    assert words in error
    assert error.endswith("Nothing was imported.")
    assert world.enrolled() == []


def test_the_log_tells_of_it_and_fronts_hear(world: World) -> None:
    world.bring(PEOPLE + "bad,bad,bad\n")
    (entry,) = world.changed_by
    assert entry.id > 0
    assert (entry.kind, entry.text) == (
        LogKind.IMPORTED,
        "2 prospects came from “people.csv”; 1 row did not.",
    )


def test_a_finished_sequence_stays_so_and_the_log_says_what_to_do(world: World) -> None:
    with world.store.begin() as unit:
        sequence = unit.sequences.get("s1")
        assert sequence is not None
        unit.sequences.save(replace(sequence, status=SequenceStatus.FINISHED))
        unit.commit()
    world.bring(PEOPLE)
    assert world.changed_by[0].text.endswith("The sequence is finished: launch it again to write to them.")
    with world.store.read() as unit:
        after = unit.sequences.get("s1")
    assert after is not None
    assert after.status is SequenceStatus.FINISHED


def test_progress_is_told_at_most_ten_times_a_second(world: World) -> None:
    def pass_time(line: int) -> None:
        world.clock.advance(0.001)

    world.file.before_row = pass_time
    world.bring("email\n" + "".join(f"p{n}@x.example\n" for n in range(2000)))
    *steps, end = world.told
    assert [(step.phase.value, step.done, step.total) for step in steps] == [
        *(("reading", done, 2000) for done in (0, 500, 1000, 1500)),
        ("enrolling", 0, 2000),
        ("updating", 0, 0),
    ]
    assert (end.done, end.total, end.import_id) == (2000, 2000, "i1")


def test_progress_only_grows_from_phase_to_phase(world: World) -> None:
    world.bring(CROWD)
    world.clock.advance(1)
    world.told.clear()
    world.file.before_row = lambda line: world.clock.advance(1)
    world.store.before_write = lambda: world.clock.advance(1)
    world.bring(CROWD.replace("Bonn", "Ulm") + "nonsense,x\n" * 700)
    *steps, _ = world.told
    assert [(step.phase.value, step.done, step.total) for step in steps] == [
        *(("reading", done, MANY + 700) for done in (0, 500, 1000, 1500)),
        *(("enrolling", done, MANY) for done in (0, 500, 1000)),
        *(("updating", done, MANY) for done in (0, 500, 1000)),
    ]
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert 0.0 == shares[0] < shares[-1] < 1.0


@pytest.mark.parametrize("at", [2, 700, 1801])
def test_a_cancelled_import_leaves_nothing(world: World, at: int) -> None:
    def stop(line: int) -> None:
        if line == at:
            world.imports.cancel("i1")

    world.file.before_row = stop
    report = world.bring("email\n" + "".join(f"p{n}@x.example\n" for n in range(1800)))
    assert report == ImportReport(0, 0, 0, 0, 0, 0, 0, (), cancelled=True)
    assert world.enrolled() == []
    assert world.prospect("p0@x.example") is None
    assert world.changed_by == []


def test_the_engines_end_cancels(world: World) -> None:
    def stop(line: int) -> None:
        world.imports.stop()

    world.file.before_row = stop
    assert world.bring("email\n" + "".join(f"p{n}@x.example\n" for n in range(600))).cancelled


def test_cancelling_what_is_over_or_was_never_begun_does_nothing(world: World) -> None:
    world.bring(PEOPLE)
    world.imports.cancel("i1")
    world.imports.cancel("i2")
    assert len(world.enrolled()) == 2


def test_a_file_that_breaks_off_leaves_nothing(world: World) -> None:
    error = world.fail('email,note\nana@x.example,x\nben@x.example,"y\n')
    assert "the row that begins in line 3 has no end" in error
    assert world.enrolled() == []


def test_a_full_disk_is_told_and_nothing_is_kept(tmp_path: Path, clock: FakeClock) -> None:
    world = World(tmp_path, clock, max_pages=120)
    error = world.fail("email,name\n" + "".join(f"p{n}@x.example,{'x' * 200}\n" for n in range(5000)))
    assert "The disk is full" in error
    assert world.enrolled() == []
    assert world.prospect("p0@x.example") is None
    assert world.bring(PEOPLE).enrolled == 2
    world.store.close()


@pytest.mark.expect_log("An import failed by a fault of the app's own")
def test_a_fault_of_our_own_is_told_as_one(world: World) -> None:
    def fall(line: int) -> None:
        raise ZeroDivisionError

    world.file.before_row = fall
    assert world.fail(PEOPLE) == "The import failed by a fault of the app's own. Nothing was imported."
    world.file.before_row = lambda line: None
    assert world.bring(PEOPLE).enrolled == 2


def test_a_sequence_that_is_gone_is_told(world: World) -> None:
    with pytest.raises(NotFound):
        world.imports.start("s9", "x.csv", None, "i1")

    def remove(line: int) -> None:
        with world.store.begin() as unit:
            unit.sequences.remove("s1")
            unit.commit()

    world.file.before_row = remove
    assert "not there any more" in world.fail("email\nana@x.example\n")
    assert world.prospect("ana@x.example") is None


def test_an_ending_engine_begins_none(world: World) -> None:
    def refuse(run: Callable[[], None]) -> None:
        raise EngineUnavailable("The background service is ending.")

    world.submit = refuse
    with pytest.raises(EngineUnavailable):
        world.imports.start("s1", "x.csv", None, "i1")
    assert world.told == []


def test_a_preview_is_the_files(world: World) -> None:
    path = world.folder / "people.csv"
    path.write_text(PEOPLE)
    assert world.imports.preview(str(path)).rows == 2
    with pytest.raises(InvalidInput, match="is not there"):
        world.imports.preview(str(world.folder / "gone.csv"))


def test_readers_see_nothing_of_it_until_all_of_it_is_there(world: World) -> None:
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(len(world.store.reads.sequences.prospect_ids(ProspectFilter("s1"))))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        world.bring("email\n" + "".join(f"p{n}@x.example\n" for n in range(6_000)))
    finally:
        done.set()
        reader.join()
    assert {*seen} <= {0, 6_000}
    assert len(world.enrolled()) == 6_000


MANY = PART * 2 + 100
KNOWN = "email,city\np0@x.example,Ulm\np1@x.example,Ulm\n"
CROWD = "email,city\n" + "".join(f"p{n}@x.example,Bonn\n" for n in range(MANY))
WRITES = 7
"""Units of work of an import of CROWD where KNOWN came before: one begins, three take a part, one decides,
one gives known prospects their fields, and one lets all be seen."""


def state_of(world: World) -> str:
    """Whether the crowd is there as a whole or not at all; anything between fails."""
    seen = [email for email, _ in world.enrolled()]
    cities = {fields["city"] for _, fields in world.enrolled()}
    (row,) = world.store.reads.sequences.rows(["s1"])
    with world.store.read() as unit:
        last = unit.log.last("s1", [LogKind.IMPORTED])
        assert unit.enrollments.last_ordinal("s1") == len(seen)
        assert unit.imports.begun() is None
    assert row.prospects == len(seen)
    told = last.text if last else ""
    if len(seen) == 2:
        assert cities == {"Ulm"}
        assert world.prospect("p2@x.example") is None
        assert told == "2 prospects came from “people.csv”."
        return "nothing"
    assert seen == [f"p{n}@x.example" for n in range(MANY)]
    assert cities == {"Bonn"}
    assert told == f"{MANY - 2:,} prospects came from “people.csv”; 2 rows did not."
    return "all"


def test_an_import_writes_in_parts_so_that_others_can_write_too(world: World) -> None:
    world.bring(KNOWN)
    writes: list[None] = []
    world.store.before_write = lambda: writes.append(None)
    world.bring(CROWD)
    assert len(writes) == WRITES
    assert state_of(world) == "all"


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_crash_leaves_nothing_or_all_once_the_engine_has_started_again(
    world: World, clock: FakeClock, tmp_path: Path, number: int
) -> None:
    world.bring(KNOWN)
    (tmp_path / "after").mkdir()
    clock.advance(60)
    world.at_write(number, lambda: world.store.backup(tmp_path / "after" / "reply.db"))
    world.bring(CROWD)
    after = World(tmp_path / "after", clock)
    assert [email for email, _ in after.enrolled()] == ["p0@x.example", "p1@x.example"]
    after.imports.tidy()
    decided = number > WRITES - 2
    assert state_of(after) == ("all" if decided else "nothing")
    assert [entry.kind for entry in after.changed_by] == [LogKind.IMPORTED] * decided
    assert after.woken == decided
    after.bring(CROWD)
    assert len(after.enrolled()) == MANY
    after.store.close()


@pytest.mark.parametrize("number", range(2, WRITES + 1))
def test_a_cancel_in_the_middle_leaves_nothing_or_comes_too_late(
    world: World, clock: FakeClock, number: int
) -> None:
    world.bring(KNOWN)
    clock.advance(60)
    world.at_write(number, lambda: world.imports.cancel("i1"))
    report = world.bring(CROWD)
    too_late = number > WRITES - 3
    assert report.cancelled is not too_late
    assert state_of(world) == ("all" if too_late else "nothing")
    assert world.bring(CROWD).enrolled == (0 if too_late else MANY - 2)


def test_a_removed_sequence_ends_an_import_into_it(world: World) -> None:
    def remove() -> None:
        world.store.before_write = lambda: None
        with world.store.begin() as unit:
            unit.sequences.remove("s1")
            unit.commit()

    world.at_write(3, remove)
    assert "That sequence is not there any more." in world.fail(CROWD)
    with world.store.read() as unit:
        assert unit.imports.begun() is None


def fill() -> None:
    raise StoreFull("The disk is full.", "Make room on the disk.")


def test_a_disk_that_fills_up_leaves_nothing(world: World, clock: FakeClock) -> None:
    world.bring(KNOWN)
    clock.advance(60)
    world.at_write(3, fill)
    assert world.fail(CROWD) == "The disk is full. Make room on the disk. Nothing was imported."
    assert state_of(world) == "nothing"


@pytest.mark.expect_log("What is left of an import stays hidden")
def test_what_a_full_disk_keeps_from_being_taken_back_is_hidden_and_goes_later(
    world: World, clock: FakeClock
) -> None:
    world.bring(KNOWN)
    clock.advance(60)
    writes = count(1)
    world.store.before_write = lambda: fill() if next(writes) > 2 else None
    world.fail(CROWD)
    world.store.before_write = lambda: None
    assert len(world.enrolled()) == 2
    with world.store.read() as unit:
        assert unit.imports.begun() is not None
        first = unit.enrollments.next_unpinned("s1", clock.now())
        assert first is not None
        assert first.ordinal == 1
        assert unit.enrollments.open_count("s1") == 2
    world.imports.tidy()
    assert state_of(world) == "nothing"


def hold() -> None:
    raise ReplyDesktopError("The database is held by another program.", "Close it and try again.")


@pytest.mark.expect_log("An import waits to be shown")
@pytest.mark.parametrize("number", [WRITES - 1, WRITES])
@pytest.mark.parametrize("trouble", [fill, hold])
def test_once_decided_it_waits_until_it_can_be_shown(
    world: World, number: int, trouble: Callable[[], None]
) -> None:
    world.bring(KNOWN)
    world.at_write(number, trouble)
    assert world.bring(CROWD).enrolled == MANY - 2
    assert state_of(world) == "all"


@pytest.mark.expect_log("An import waits to be shown")
@pytest.mark.parametrize("number", [WRITES - 1, WRITES])
def test_a_cancel_while_a_decided_import_waits_ends_the_wait_and_it_is_shown_later(
    tmp_path: Path, clock: FakeClock, number: int
) -> None:
    world = World(tmp_path, clock, again_s=600.0)
    world.bring(KNOWN)
    world.woken = 0
    world.changed_by.clear()
    over = threading.Event()

    def cancelled_full() -> None:
        world.imports.cancel("i1")
        fill()

    world.at_write(number, cancelled_full)
    world.on_end = over.set
    path = tmp_path / "people.csv"
    path.write_text(CROWD)
    run = threading.Thread(target=lambda: world.imports.start("s1", str(path), None, "i1"))
    run.start()
    assert over.wait(30)
    assert world.told[-1].report is None
    assert world.told[-1].error == (
        "It is too late to cancel: the prospects are kept, and are shown once that can be written. "
        "The disk is full. Make room on the disk."
    )
    assert len(world.enrolled()) == 2
    told = len(world.told)
    world.imports.stop()
    run.join(30)
    assert not run.is_alive()
    assert len(world.told) == told
    world.store.close()
    after = World(tmp_path, clock)
    after.imports.tidy()
    assert state_of(after) == "all"
    after.store.close()


@pytest.mark.expect_log("An import waits to be shown")
def test_after_such_a_cancel_it_is_shown_as_soon_as_that_can_be_written(world: World) -> None:
    world.bring(KNOWN)

    def cancelled_full() -> None:
        world.imports.cancel("i1")
        fill()

    world.at_write(WRITES, cancelled_full)
    assert world.fail(CROWD).startswith("It is too late to cancel")
    assert state_of(world) == "all"
    assert world.woken == 2


@pytest.mark.expect_log("An import (waits to be|could not be) shown")
def test_a_cancel_while_an_import_before_it_waits_to_be_shown_leaves_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    world = World(tmp_path, clock, again_s=600.0)
    world.bring(KNOWN)
    world.at_write(WRITES, fall)
    world.fail(CROWD)
    full = threading.Event()

    def stay_full() -> None:
        full.set()
        fill()

    world.store.before_write = stay_full
    (tmp_path / "other.csv").write_text("email\nother@x.example\n")
    run = threading.Thread(target=lambda: world.imports.start("s1", str(tmp_path / "other.csv"), None, "i2"))
    run.start()
    assert full.wait(30)
    world.imports.cancel("i2")
    run.join(30)
    assert not run.is_alive()
    assert world.told[-1].report == ImportReport(0, 0, 0, 0, 0, 0, 0, (), cancelled=True)
    world.store.before_write = lambda: None
    world.imports.tidy()
    assert state_of(world) == "all"
    assert world.prospect("other@x.example") is None
    world.store.close()


def fall() -> None:
    raise ZeroDivisionError


@pytest.mark.expect_log("An import (waits to be|could not be) shown")
@pytest.mark.parametrize("number", [WRITES - 1, WRITES])
@pytest.mark.parametrize("trouble", [fill, fall])
def test_once_decided_it_is_never_said_that_nothing_was_imported(
    world: World, number: int, trouble: Callable[[], None]
) -> None:
    world.bring(KNOWN)

    def end() -> None:
        world.imports.stop()
        trouble()

    world.at_write(number, end)
    assert world.fail(CROWD) == "The prospects are kept but not shown yet. They come at the app's next start."
    assert len(world.enrolled()) == 2
    world.store.close()
    after = World(world.folder, world.clock)
    after.imports.tidy()
    assert state_of(after) == "all"
    after.store.close()


def test_an_ending_engine_leaves_what_is_left_to_the_next(
    world: World, clock: FakeClock, tmp_path: Path
) -> None:
    world.bring(KNOWN)
    clock.advance(60)
    world.at_write(4, world.imports.stop)
    assert world.bring(CROWD).cancelled
    world.store.close()
    after = World(tmp_path, clock)
    assert len(after.enrolled()) == 2
    after.imports.tidy()
    assert state_of(after) == "nothing"
    after.store.close()


@pytest.mark.expect_log("An import could not be shown")
def test_an_import_that_cannot_be_shown_is_not_told_as_the_next_one(world: World) -> None:
    world.bring(KNOWN)
    world.at_write(WRITES, fall)
    assert "kept but not shown" in world.fail(CROWD)
    world.at_write(1, fall)
    other = world.fail("email\nother@x.example\n")
    assert other == "An import before this one has no end yet. Restart the app. Nothing was imported."
    world.store.before_write = lambda: None
    assert world.bring(CROWD).already == MANY


def test_an_ending_engine_lets_no_import_begin_over_what_is_left_of_another(
    world: World, clock: FakeClock
) -> None:
    world.bring(KNOWN)
    clock.advance(60)
    world.at_write(4, world.imports.stop)
    assert world.bring(CROWD).cancelled
    world.sequence_id = "s2"
    assert world.bring(CROWD).cancelled
    after = World(world.folder, clock)
    after.imports.tidy()
    assert state_of(after) == "nothing"
    assert after.store.reads.sequences.prospect_ids(ProspectFilter("s2")) == []
    after.store.close()


@pytest.mark.parametrize("cancelled", [False, True])
def test_one_import_waits_for_the_other(world: World, cancelled: bool) -> None:
    path = world.folder / "others.csv"
    path.write_text(CROWD)
    second: list[threading.Thread] = []

    def begin_another() -> None:
        started = threading.Event()

        def submit(run: Callable[[], None]) -> None:
            started.set()
            run()

        world.submit = submit
        second.append(
            threading.Thread(target=lambda: world.imports.start("s1", str(path), None, "i2"), daemon=True)
        )
        second[0].start()
        assert started.wait(10)
        if cancelled:
            world.imports.cancel("i2")
            second[0].join(10)
            assert not second[0].is_alive()

    world.at_write(3, begin_another)
    (world.folder / "people.csv").write_text(CROWD)
    world.imports.start("s1", str(world.folder / "people.csv"), None, "i1")
    second[0].join(30)
    ends = {one.import_id: one.report for one in world.told if one.report is not None}
    first, other = ends["i1"], ends["i2"]
    assert first is not None
    assert other is not None
    assert (first.enrolled, other.already, other.cancelled) == (MANY, 0 if cancelled else MANY, cancelled)
    assert len(world.enrolled()) == MANY
