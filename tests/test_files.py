"""Private files are whole and private."""

import stat
from pathlib import Path

from reply_desktop.files import write_private


def test_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_private(file, "one")
    write_private(file, "zwei ü")
    assert file.read_text(encoding="utf-8") == "zwei ü"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_leftover_of_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "x.new").write_text("half")
    write_private(tmp_path / "x", "whole")
    assert (tmp_path / "x").read_text() == "whole"
