"""Every documented command is understood; anything else is refused."""

import pytest

from reply_desktop.cli import parser

GOOD = [
    [],
    ["--sandbox", "--data-dir", "/x", "--hidden"],
    ["accounts", "list", "--json"],
    ["accounts", "add", "google", "--login-hint", "a@b.cc"],
    ["accounts", "add", "microsoft", "--json"],
    ["accounts", "add", "other", "--address", "a@b.cc", "--smtp-host", "h", "--smtp-port", "465",
     "--smtp-security", "tls", "--imap-host", "h", "--imap-port", "993", "--imap-security", "tls", "--password-stdin"],
    ["accounts", "reconnect", "a@b.cc"],
    ["accounts", "reconnect", "a@b.cc", "--reading"],
    ["accounts", "add", "google", "--reading"],
    ["accounts", "pause", "a@b.cc"],
    ["accounts", "resume", "a@b.cc"],
    ["accounts", "remove", "a@b.cc", "--revoke"],
    ["check"],
    ["check", "a@b.cc", "c@d.ee", "--json"],
    ["providers", "list"],
    ["providers", "set", "google", "client_secret.json"],
    ["providers", "set", "microsoft", "--client-id", "x", "--authority", "https://a", "--graph", "https://g"],
    ["providers", "test", "google"],
    ["worker", "--once"],
    ["doctor", "--json"],
    ["export"],
    ["backup", "x.db"],
    ["restore", "x.db"],
    ["stop"],
]  # fmt: skip


@pytest.mark.parametrize("argv", GOOD, ids=" ".join)
def test_understood(argv: list[str]) -> None:
    args = parser.build().parse_args(argv)
    assert args.command == (argv[0] if argv and not argv[0].startswith("-") else None)


@pytest.mark.parametrize(
    "argv",
    [
        ["accounts"],
        ["nonsense"],
        ["accounts", "add", "other", "--address", "a@b.cc"],
        ["providers", "set", "google"],
    ],
    ids=" ".join,
)
def test_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(argv)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_worker_takes_the_folder_before_or_after() -> None:
    for argv in (["--sandbox", "--data-dir", "/x", "worker"], ["worker", "--data-dir", "/x", "--sandbox"]):
        args = parser.build().parse_args(argv)
        assert args.sandbox and str(args.data_dir) == "/x"
