"""Every documented command on notifications is understood; anything else is refused."""

import pytest

from reply_desktop.cli import parser

GOOD = [
    "notifications list",
    "notifications list --unread --limit 5 --json",
    "notifications read",
    "notifications read n1 n2",
    "notifications choices",
    "notifications choices lost desktop email team --json",
    "notifications choices --desktop off --reminders on --other-accounts off lost none",
    "notifications email",
    "notifications email me@example.com --json",
    "notifications email off",
    "notifications email --cap 3 me@example.com",
    "notifications test-email",
    "notifications relay set --host h --port 465 --security tls --sender a@b.cc",
    "notifications relay set --host h --port 587 --security starttls --sender a@b.cc --user u --password-stdin --json",
    "notifications relay clear --json",
    "notifications channel list --json",
    "notifications channel add Sales --url-stdin",
    "notifications channel on Sales",
    "notifications channel off Sales --json",
    "notifications channel remove Sales",
    "notifications channel test Sales",
    "notifications quiet",
    "notifications quiet 22:00-07:00 --weekends --json",
    "notifications quiet off",
]  # fmt: skip


@pytest.mark.parametrize("line", GOOD)
def test_understood(line: str) -> None:
    assert parser.build().parse_args(line.split()).action == line.split()[1]


@pytest.mark.parametrize(
    "line",
    [
        "notifications",
        "notifications list --limit many",
        "notifications list --limit -1",
        "notifications choices --reminders maybe",
        "notifications email --cap many",
        "notifications relay",
        "notifications relay set --host h --port 465 --security none --sender a@b.cc",
        "notifications relay set --host h --port 70000 --security tls --sender a@b.cc",
        "notifications relay set --host h --port 0 --security tls --sender a@b.cc",
        "notifications relay set --host h --port 465 --security tls --sender a@b.cc --password secret",
        "notifications channel add Sales",
        "notifications channel add Sales https://hooks.example/secret --url-stdin",
        "notifications channel on",
    ],
)
def test_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(line.split())
    assert caught.value.code == 64
    assert "usage:" in capsys.readouterr().err
