"""The import: how the file is read, which columns become fields, progress, cancel, and the report."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.events import ImportPhase, ImportProgress
from reply_desktop.domain.sequence_rows import ImportChoice, ImportReport, Skipped
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.import_dialog import ImportDialog, Stage, dropped_file, report_words, skipped_table
from tests.fakes.engine import FakeEngine, few_sequences, import_preview, import_report

Show = Callable[..., ImportDialog]
PATH = "/home/ana/prospects.csv"


@pytest.fixture
def show(qtbot: QtBot, open_bridge: Callable[[FakeEngine], Bridge]) -> Show:
    def shown(engine: FakeEngine, *, take: bool = True) -> ImportDialog:
        made = ImportDialog(open_bridge(engine), "s2", "Spring outreach")
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(made)
        made.open()
        if take:
            made.take(PATH)
            qtbot.waitUntil(lambda: made.stage is Stage.MAP)
        return made

    return shown


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(sequences=few_sequences())


def begin(qtbot: QtBot, dialog: ImportDialog, engine: FakeEngine) -> None:
    dialog.go_button.click()
    qtbot.waitUntil(lambda: dialog._import is not None)


def test_it_says_how_the_file_is_read(show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    assert dialog.encoding.currentText() == "UTF-8" and dialog.delimiter.currentText() == "Semicolon ;"
    assert dialog.rows.text() == "1,280 lines" and dialog.grid is not None
    assert dialog.grid.email_column == 0
    assert [name.text() for name in dialog.grid.names] == ["email", "first_name", "company", "notes"]
    assert not dialog.grid.names[0].isEnabled() and dialog.go_button.isEnabled()


def test_a_file_that_cannot_be_read_is_told_and_another_can_be_chosen(
    qtbot: QtBot, show: Show, engine: FakeEngine
) -> None:
    engine.errors[m.PreviewImport] = InvalidInput("That is a picture.", "Choose a CSV file.")
    dialog = show(engine, take=False)
    dialog.take("/x.png")
    qtbot.waitUntil(lambda: dialog.note.text() == "That is a picture. Choose a CSV file.")
    assert dialog.stage is Stage.CHOOSE
    engine.errors.clear()
    dialog.drop.dropped.emit(PATH)
    qtbot.waitUntil(lambda: dialog.stage is Stage.MAP)
    assert not dialog.note.isVisible()


def test_another_encoding_reads_the_file_anew(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    engine.sequences.preview = replace(import_preview(), encoding="koi8-r", rows_exact=False)
    dialog.encoding.setCurrentIndex(2)
    dialog.encoding.activated.emit(2)
    qtbot.waitUntil(lambda: dialog.encoding.currentText() == "koi8-r")
    assert engine.of(m.PreviewImport)[-1] == m.PreviewImport(PATH, "windows-1252", ";")
    assert dialog.rows.text() == "about 1,280 lines"


def test_the_choice_is_what_the_person_made_of_it(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    assert dialog.grid is not None
    dialog.grid.names[2].setText("Their Firm")
    dialog.grid.names[3].clear()
    begin(qtbot, dialog, engine)
    choice = ImportChoice(0, {1: "first_name", 2: "their_firm"}, "utf-8", ";")
    assert engine.of(m.ImportProspects) == [m.ImportProspects("s2", PATH, choice)]


def test_columns_that_cannot_be_are_told(show: Show, engine: FakeEngine) -> None:
    engine.sequences.preview = replace(import_preview(), email_column=None)
    dialog = show(engine)
    assert "which column holds the e-mail" in dialog.note.text() and not dialog.go_button.isEnabled()
    assert dialog.grid is not None
    dialog.grid._emails.button(0).setChecked(True)
    assert not dialog.note.isVisible() and dialog.go_button.isEnabled()
    dialog.grid.names[3].setText("company")
    assert "Two columns would become {{ company }}" in dialog.note.text()
    assert not dialog.go_button.isEnabled()


def test_an_empty_file_is_not_imported(show: Show, engine: FakeEngine) -> None:
    engine.sequences.preview = replace(import_preview(), rows=0)
    dialog = show(engine)
    assert "no line" in dialog.note.text() and not dialog.go_button.isEnabled()


def test_progress_and_report(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    begin(qtbot, dialog, engine)
    assert dialog.stage is Stage.WORK
    engine.push(ImportProgress("another", 9, 10))
    values = [dialog.bar.value()]

    def says(words: str) -> bool:
        return dialog.progress_words.text() == words

    for phase, done, total, words in (
        (ImportPhase.READING, 640, 1280, "Reading line 640 of about 1,280"),
        (ImportPhase.ENROLLING, 0, 1272, "Enrolling 0 of 1,272"),
        (ImportPhase.ENROLLING, 1000, 1272, "Enrolling 1,000 of 1,272"),
        (ImportPhase.UPDATING, 5, 9, "Updating 5 of 9 known before"),
    ):
        engine.push(ImportProgress("i1", done, total, phase=phase))
        qtbot.waitUntil(partial(says, words))
        values.append(dialog.bar.value())
    assert values == sorted(set(values)) and values[-1] < dialog.bar.maximum()
    engine.push(ImportProgress("i1", 1280, 1280, import_report()))
    qtbot.waitUntil(lambda: dialog.stage is Stage.REPORT)
    assert dialog.title.text() == "1,272 prospects imported"
    assert dialog.skipped.rowCount() == 3
    item = dialog.skipped.item(1, 2)
    assert item is not None and item.text() == "It came before, in line 4."
    dialog.cancel_button.click()
    assert not dialog.isVisible()


def test_news_that_overtake_the_answer_are_not_lost(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    engine.mute = {m.ImportProspects}
    dialog.go_button.click()
    qtbot.waitUntil(lambda: len(engine.held) == 1)
    engine.push(ImportProgress("i1", 1280, 1280, import_report()))
    qtbot.waitUntil(lambda: bool(dialog._early))
    engine.mute = set()
    engine.answer_held()
    qtbot.waitUntil(lambda: dialog.stage is Stage.REPORT)


@pytest.mark.parametrize("how", ["button", "escape", "window"])
def test_cancelling_is_asked_and_told(qtbot: QtBot, show: Show, engine: FakeEngine, how: str) -> None:
    dialog = show(engine)
    begin(qtbot, dialog, engine)
    if how == "button":
        dialog.cancel_button.click()
    elif how == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    qtbot.waitUntil(lambda: engine.of(m.CancelImport) == [m.CancelImport("i1")])
    assert dialog.isVisible() and "Cancelling" in dialog.progress_words.text()
    engine.push(ImportProgress("i1", 900, 1280, ImportReport(0, 0, 0, 0, 0, 0, 0, (), cancelled=True)))
    qtbot.waitUntil(lambda: dialog.counts.text() == "Nothing was imported.")
    assert dialog.cancel_button.isEnabled() and not dialog.skipped.isVisible()


def test_what_went_wrong_leads_back_to_the_columns(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    begin(qtbot, dialog, engine)
    engine.push(ImportProgress("i1", 3, 1280, error="The disk is full. Nothing was imported."))
    qtbot.waitUntil(lambda: dialog.stage is Stage.MAP)
    assert dialog.note.text() == "The disk is full. Nothing was imported."
    engine.errors[m.ImportProspects] = InvalidInput("Another import is under way.")
    dialog.go_button.click()
    qtbot.waitUntil(lambda: dialog.note.text() == "Another import is under way.")


def test_the_engine_that_goes_is_told(qtbot: QtBot, show: Show, engine: FakeEngine) -> None:
    dialog = show(engine)
    begin(qtbot, dialog, engine)
    engine.stop()
    qtbot.waitUntil(lambda: dialog.stage is Stage.MAP)
    assert "stopped during the import" in dialog.note.text() and not dialog.go_button.isEnabled()
    engine.up = True
    qtbot.waitUntil(dialog.go_button.isEnabled)


def test_the_skipped_lines_are_copied_and_saved(
    qtbot: QtBot, show: Show, engine: FakeEngine, tmp_path: Path
) -> None:
    dialog = show(engine)
    begin(qtbot, dialog, engine)
    engine.push(ImportProgress("i1", 1280, 1280, import_report()))
    qtbot.waitUntil(lambda: dialog.stage is Stage.REPORT)
    dialog.copy_button.click()
    assert QGuiApplication.clipboard().text().splitlines()[1] == "7\tzoe@\tThis is not an e-mail address."
    path = tmp_path / "skipped.csv"
    dialog.save_to(str(path))
    assert len(path.read_text("utf-8-sig").splitlines()) == 4 and "saved" in dialog.note.text()
    dialog.save_to(str(tmp_path / "no" / "folder.csv"))
    assert "cannot be written" in dialog.note.text()


def test_the_counts_are_told_and_zeros_are_not() -> None:
    assert report_words(ImportReport(10, 8, 0, 0, 2, 0, 0, ())) == [
        "10 lines read, 8 enrolled.",
        "2 more than once in the file.",
    ]


def test_a_spreadsheet_takes_nothing_for_a_formula() -> None:
    told = skipped_table(
        (Skipped(1, "=HYPERLINK(1)", "no"), Skipped(2, 'a"b', "x,y"), Skipped(3, "", "-")), ","
    )
    rows = list(csv.reader(io.StringIO(told)))
    assert [row[1] for row in rows[1:]] == ["'=HYPERLINK(1)", 'a"b', ""]


@pytest.mark.parametrize(
    ("urls", "path"),
    [
        ([], None),
        (["file:///a.csv"], "/a.csv"),
        (["file:///a.csv", "file:///b.csv"], None),
        (["https://x/a.csv"], None),
    ],
)
def test_only_one_local_file_is_taken(urls: list[str], path: str | None) -> None:
    data = QMimeData()
    data.setUrls([QUrl(one) for one in urls])
    assert dropped_file(data) == path


def test_given_up_before_it_has_a_name_it_is_cancelled_as_soon_as_it_has(
    qtbot: QtBot, show: Show, engine: FakeEngine
) -> None:
    dialog = show(engine)
    engine.mute = {m.ImportProspects}
    dialog.go_button.click()
    qtbot.waitUntil(lambda: len(engine.held) == 1)
    dialog.cancel_button.click()
    assert engine.of(m.CancelImport) == []
    engine.mute = set()
    engine.answer_held()
    qtbot.waitUntil(lambda: engine.of(m.CancelImport) == [m.CancelImport("i1")])
