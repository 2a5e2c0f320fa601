"""Imports are kept whole or not at all, their counts add up, and every row left out is named with its reason."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from reply_desktop.adapters import csv_file
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain import events
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.errors import EngineUnavailable, InvalidInput, NotFound
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.sequence import Sequence, SequenceStatus
from reply_desktop.domain.sequence_rows import ImportChoice, ImportReport, ProspectFilter, Skipped
from reply_desktop.services.bus import Bus
from reply_desktop.services.imports import LISTED, Imports
from tests.fakes.clock import FakeClock


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

    def __init__(self, folder: Path, clock: FakeClock, max_pages: int | None = None) -> None:
        self.folder = folder
        self.sequence_id = "s1"
        self.clock = clock
        self.store = SqliteStore(folder / "reply.db", clock, max_pages=max_pages)
        self.file = SlowFile()
        self.told: list[events.ImportProgress] = []
        self.changed_by: list[LogEntry] = []
        self.woken = 0
        self.submit: Callable[[Callable[[], None]], None] = lambda run: run()
        bus = Bus()
        bus.listen(
            lambda event: self.told.append(event) if isinstance(event, events.ImportProgress) else None
        )
        ids = count(1)
        self.imports = Imports(
            self.store, self.file, self, bus, clock, self, lambda: f"id{next(ids):08}", self.wake
        )
        with self.store.begin() as unit:
            unit.sequences.add(Sequence("s1", "Spring", clock.now()))
            unit.sequences.add(Sequence("s2", "Autumn", clock.now()))
            unit.commit()

    def changed(self, sequence_id: str, *, entries: Iterable[LogEntry] = (), many: bool = False) -> None:
        assert (sequence_id, many) == (self.sequence_id, True)
        self.changed_by.extend(entries)

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
    assert [step.done for step in steps] == [0, 500, 1000, 1500, 2000]
    assert {step.total for step in steps} == {2000}
    assert (end.done, end.total, end.import_id) == (2000, 2000, "i1")


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
