"""Every documented command on sequences is understood; anything else is refused."""

import pytest

from reply_desktop.cli import parser

GOOD = [
    "sequences list --json",
    "sequences show Spring --json",
    "sequences create spring.yaml",
    "sequences edit Spring spring.toml --json",
    "sequences export-file Spring",
    "sequences import-prospects Spring p.csv --email-column Mail --map A=b --map C= --encoding utf-16 --delimiter ; --dry-run",
    "sequences start Spring",
    "sequences start Spring --at 2026-03-02T09:00",
    "sequences start Spring --in 15m --json",
    "sequences start Spring --now",
    "sequences pause Spring",
    "sequences stop-prospects Spring a@b.cc d@e.ff",
    "sequences settle Spring a@b.cc --sent",
    "sequences settle Spring a@b.cc --not-sent",
    "sequences log Spring --kind sent --kind failed --limit 5 --json",
    "sequences log Spring --export log.csv",
    "sequences export-prospects Spring p.csv",
    "sequences remove Spring Summer",
    "suppressions list --text x --json",
    "suppressions add a@b.cc --note asked",
    "suppressions remove a@b.cc",
    "sending pause",
    "sending resume",
    "forecast",
    "forecast Spring --hours 48 --json",
]  # fmt: skip


@pytest.mark.parametrize("line", GOOD)
def test_understood(line: str) -> None:
    assert parser.build().parse_args(line.split()).command == line.split()[0]


@pytest.mark.parametrize(
    "line",
    [
        "sequences",
        "sequences create",
        "sequences start Spring --now --in 5m",
        "sequences settle Spring a@b.cc",
        "sequences settle Spring a@b.cc --sent --not-sent",
        "sequences log Spring --kind nonsense",
        "sequences log Spring --limit -1",
        "suppressions add",
        "sending",
        "forecast --hours soon",
        "sequences log Spring --limit " + "9" * 5000,
        "sequences import-prospects Spring p.csv --delimiter ab",
    ],
)
def test_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(line.split())
    assert caught.value.code == 64
    err = capsys.readouterr().err
    assert "usage:" in err and "invalid" not in err.replace("invalid choice", "") and len(err) < 2000
