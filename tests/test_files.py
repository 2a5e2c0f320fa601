"""Private files are whole and this user's alone."""

from pathlib import Path

import pytest

from reply_desktop.files import create_private, put_in_place, write_private


def test_a_private_file_is_this_users_alone(tmp_path: Path) -> None:
    create_private(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "a")


def test_writing_replaces_the_whole_file_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("a longer text that was there before")
    path.chmod(0o644)
    write_private(path, "ü")
    assert path.read_text(encoding="utf-8") == "ü"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "new \ud800")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_what_a_crash_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_text("half")
    write_private(tmp_path / "key", "whole")
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "fresh").write_text("new")
    (tmp_path / "target").write_text("old")
    put_in_place(tmp_path / "fresh", tmp_path / "target")
    assert (tmp_path / "target").read_text() == "new"
    assert not (tmp_path / "fresh").exists()
