"""What the window remembers by itself."""

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from reply_desktop.ui.remembered import Remembered


@pytest.mark.parametrize("on_disk", [True, False])
def test_plain_values_and_bytes_come_back(tmp_path: Path, on_disk: bool) -> None:
    file = tmp_path / "window.ini" if on_disk else None
    kept = Remembered(file)
    assert kept.get("none") is None and kept.get_bytes("none").isEmpty()
    look = {"widths": {"address": 300}, "sort": "address", "descending": False, "name": "Grüße, „Welt“"}
    kept.put("accounts/table", look)
    kept.put_bytes("window/place", QByteArray(b"\x00\x01\xff"))
    kept.save()
    again = Remembered(file) if on_disk else kept
    assert again.get("accounts/table") == look
    assert again.get_bytes("window/place") == QByteArray(b"\x00\x01\xff")


def test_a_spoilt_file_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    file.write_bytes(b'[accounts]\ntable="{broken\n\x00\xff window=@ByteArray(')
    kept = Remembered(file)
    assert kept.get("accounts/table") is None
    kept.put("accounts/table", {"sort": "address"})
    assert kept.get("accounts/table") == {"sort": "address"}
