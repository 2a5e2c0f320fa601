"""The sandbox's folder: whole files, private ones, and one owner."""

from pathlib import Path

import pytest

from reply_desktop.files import write_private
from reply_desktop.sandbox.folder import LOCK_FILE, FolderLock, FolderTaken, make_private


def test_a_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private(folder)
    write_private(folder / "file", "old")
    write_private(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"new"
    assert (folder / "file").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in folder.iterdir()] == ["file"]


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / LOCK_FILE), FolderLock(tmp_path / LOCK_FILE)
    first.hold()
    with pytest.raises(FolderTaken):
        second.hold()
    first.free()
    second.hold()
    second.free()
    second.free()
