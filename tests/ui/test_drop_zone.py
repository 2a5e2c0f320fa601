"""Files and texts that are dropped, chosen or pasted; what cannot be a client file is refused with its name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.ui.drop_zone import FILE_LIMIT, DropZone

JSON = '{"installed": {}}'


@pytest.fixture
def zone(qtbot: QtBot) -> DropZone:
    made = DropZone()
    qtbot.addWidget(made)
    made.resize(300, 128)
    made.show()
    return made


@pytest.fixture
def heard(zone: DropZone) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    zone.given.connect(lambda text: said.append(("given", text)))
    zone.refused.connect(lambda text: said.append(("refused", text)))
    return said


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(zone: DropZone, data: QMimeData) -> None:
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
    zone.dragEnterEvent(entered)
    assert entered.isAccepted()
    zone.dropEvent(QDropEvent(QPointF(9, 9), copy, data, left, none))


def test_a_dropped_file_is_read(zone: DropZone, heard: list[tuple[str, str]], tmp_path: Path) -> None:
    file = tmp_path / "client_secret_1.json"
    file.write_text("\ufeff" + JSON)
    drop(zone, files(file))
    assert heard == [("given", JSON)]


def test_a_dropped_text_is_taken(zone: DropZone, heard: list[tuple[str, str]]) -> None:
    data = QMimeData()
    data.setText(JSON)
    drop(zone, data)
    assert heard == [("given", JSON)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "client.json cannot be read: No such file or directory."),
        (lambda path: path.mkdir(), "client.json cannot be read: Is a directory."),
        (lambda path: path.write_bytes(b"\x89PNG\xff"), "client.json is not a text file"),
        (lambda path: path.write_bytes(b" " * (FILE_LIMIT + 1)), "client.json is too large"),
    ],
)
def test_what_cannot_be_a_client_file_is_named(
    zone: DropZone, heard: list[tuple[str, str]], tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    file = tmp_path / "client.json"
    make(file)
    drop(zone, files(file))
    ((kind, text),) = heard
    assert kind == "refused"
    assert text.startswith(said)


def test_several_files_or_links_are_refused(
    zone: DropZone, heard: list[tuple[str, str]], tmp_path: Path
) -> None:
    drop(zone, files(tmp_path / "a", tmp_path / "b"))
    link = QMimeData()
    link.setUrls([QUrl("https://evil.example/client.json")])
    drop(zone, link)
    assert [kind for kind, _ in heard] == ["refused", "refused"]


def test_the_clipboard_by_keyboard(zone: DropZone, heard: list[tuple[str, str]]) -> None:
    QGuiApplication.clipboard().setText(JSON)
    zone.setFocus()
    QTest.keySequence(zone, QKeySequence(QKeySequence.StandardKey.Paste))
    assert heard == [("given", JSON)]
    QGuiApplication.clipboard().clear()
    zone.paste()
    assert heard[1][0] == "refused"


def test_it_lights_up_while_something_hovers(zone: DropZone) -> None:
    calm = zone.grab().toImage()
    data = QMimeData()
    data.setText("x")
    none = Qt.KeyboardModifier.NoModifier
    zone.dragEnterEvent(
        QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    )
    assert zone.grab().toImage() != calm
    zone.dragLeaveEvent(QDragLeaveEvent())
    assert zone.grab().toImage() == calm
