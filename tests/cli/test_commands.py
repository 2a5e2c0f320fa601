"""Commands against a front that answers from a script: what is printed, and how they end."""

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.cli import parser
from reply_desktop.cli.commands import Commands
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import EngineUnavailable, InvalidInput, NotFound, VaultUnavailable
from reply_desktop.domain.events import ConsentEnded
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountDetail, AlertMailRow, ProviderRow
from reply_desktop.domain.states import State
from tests.cli.test_shapes import AT, row
from tests.fakes.shell import LINK, Shell


def test_list(shell: Shell) -> None:
    shell.front.rows = [row(State.CONNECTED), row(State.EXPIRED, Cause.GRANT_REVOKED, "ben@example.com")]
    assert shell("accounts", "list") == 0
    ana, ben = shell.printed.splitlines()
    assert "ana@example.com" in ana and "Connected" in ana and "proven 3 min ago" in ana
    assert "Access was removed" in ben and "Press Reconnect" in ben
    assert shell("accounts", "list", "--json") == 0
    assert json.loads(shell.printed)["worst"] == "expired"
    assert shell.front.closed


def test_a_shut_vault_is_opened_by_a_command(shell: Shell) -> None:
    shell.front.rows = [row(State.AT_RISK, Cause.VAULT_PASSPHRASE)]
    assert shell("accounts", "list") == 0
    assert shell.printed.endswith("Passphrase is needed → reply-desktop unlock --help\n")


def test_empty_list_says_what_to_do_next(shell: Shell) -> None:
    assert shell("accounts", "list") == 0
    assert shell.printed == "" and "accounts add" in shell.said


@pytest.mark.parametrize(
    ("states", "code"), [([State.CONNECTED], 0), ([State.AT_RISK], 1), ([State.EXPIRED], 2), ([], 3)]
)
def test_check_exit_codes(shell: Shell, states: list[State], code: int) -> None:
    shell.front.rows = [row(state, Cause.UNPROVEN if state is State.AT_RISK else None) for state in states]
    assert shell("check", "--json") == code
    assert shell.front.asked[0] == ("check", ())


def test_check_that_cannot_be_made_is_unknown(shell: Shell) -> None:
    shell.start_error = EngineUnavailable("The background service does not start.")
    assert shell("check") == 3
    assert shell.said == "The background service does not start.\n"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (ConsentEnd.CONNECTED, 0), (ConsentEnd.CANCELLED, 4), (ConsentEnd.DENIED, 4),
        (ConsentEnd.WRONG_ACCOUNT, 5), (ConsentEnd.TIMED_OUT, 6), (ConsentEnd.SCOPE_MISSING, 2), (ConsentEnd.FAILED, 2),
    ],
)  # fmt: skip
def test_sign_in_ends(shell: Shell, end: ConsentEnd, code: int) -> None:
    shell.front.rows = [row(State.CONNECTED)]
    shell.front.end = ConsentEnded("c1", end, "id1", "One clear line.")
    assert shell("accounts", "reconnect", "ana@example.com") == code
    assert shell.opened == [LINK] and LINK in shell.said and "One clear line." in shell.said
    assert ("ana@example.com" in shell.printed) == (end is ConsentEnd.CONNECTED)
    assert shell.front.asked[0] == m.BeginConsent(account="ana@example.com")


def test_add_hands_the_hint_on(shell: Shell) -> None:
    shell.front.end = ConsentEnded("c1", ConsentEnd.DENIED, None, "No.")
    assert shell("accounts", "add", "google", "--login-hint", "x@y.zz") == 4
    assert shell.front.asked[0] == m.BeginConsent(Provider.GOOGLE, None, "x@y.zz")


def test_reading_is_asked_for_only_when_wanted(shell: Shell) -> None:
    shell.front.end = ConsentEnded("c1", ConsentEnd.DENIED, None, "No.")
    shell("accounts", "add", "google", "--reading")
    shell("accounts", "reconnect", "ana@example.com", "--reading")
    asked = [one for one in shell.front.asked if isinstance(one, m.BeginConsent)]
    assert [one.reading for one in asked] == [True, True]


def test_ctrl_c_cancels_the_sign_in(shell: Shell) -> None:
    shell.front.end = KeyboardInterrupt()
    assert shell("accounts", "reconnect", "ana@example.com") == 4
    assert m.CancelConsent("c1") in shell.front.asked


def test_add_other_reads_the_password_from_stdin_only(shell: Shell) -> None:
    shell.stdin = io.StringIO("pa ss\n")
    shell.front.answers[m.AddOther] = row(State.CONNECTED)
    argv = ["accounts", "add", "other", "--address", "c@d.ee", "--smtp-host", "s", "--smtp-port", "587",
            "--imap-host", "i", "--smtp-user", "u", "--password-stdin"]  # fmt: skip
    assert shell(*argv) == 0
    servers = MailServers(MailServer("s", 587, Security.STARTTLS), MailServer("i", 993, Security.TLS), "u")
    assert shell.front.asked == [m.AddOther("c@d.ee", servers, "pa ss")]
    assert "pa ss" not in shell.printed + shell.said


def test_add_other_finds_servers_itself(shell: Shell) -> None:
    shell.stdin = io.StringIO("pw")
    found = MailServers(MailServer("found", 465, Security.TLS))
    shell.front.answers |= {m.FindServers: m.FoundServers(found), m.AddOther: row(State.CONNECTED)}
    assert shell("accounts", "add", "other", "--address", "c@d.ee", "--password-stdin") == 0
    assert shell.front.asked[-1] == m.AddOther("c@d.ee", found, "pw")
    shell.stdin = io.StringIO("pw")
    shell.front.answers[m.FindServers] = m.FoundServers(None)
    assert shell("accounts", "add", "other", "--address", "c@d.ee", "--password-stdin") == 2
    assert "--smtp-host" in shell.said


def test_a_new_password_goes_to_the_servers_there_are(shell: Shell) -> None:
    servers = MailServers(MailServer("smtp.example.com", 465, Security.TLS), user="u")
    shell.front.answers |= {
        m.GetAccount: AccountDetail(row(State.EXPIRED, Cause.WRONG_PASSWORD), (), AT, AT, servers),
        m.EditOther: row(State.CONNECTED),
    }
    shell.stdin = io.StringIO("pa ss\n")
    assert shell("accounts", "password", "ana@example.com", "--password-stdin") == 0
    assert shell.front.asked == [m.GetAccount("ana@example.com"), m.EditOther("id1", servers, "pa ss")]
    assert "Connected" in shell.printed and "pa ss" not in shell.printed + shell.said
    shell.front.answers[m.EditOther] = InvalidInput("Password refused; nothing was stored.")
    shell.stdin = io.StringIO("pa ss\n")
    assert shell("accounts", "password", "ana@example.com", "--password-stdin") == 2
    assert shell.said == "Password refused; nothing was stored.\n"


def test_who_signs_in_has_no_password_to_give(shell: Shell) -> None:
    shell.front.rows = [row(State.EXPIRED, Cause.GRANT_REVOKED)]
    shell.stdin = io.StringIO("secret\n")
    assert shell("accounts", "password", "ana@example.com", "--password-stdin") == 2
    assert "reply-desktop accounts reconnect ana@example.com" in shell.said
    assert shell.front.asked == [m.GetAccount("ana@example.com")]


@pytest.mark.parametrize("extra", [["--smtp-port", "25"], ["--imap-port", "1"]])
def test_half_given_servers_are_refused(shell: Shell, extra: list[str]) -> None:
    shell.stdin = io.StringIO("pw")
    assert shell("accounts", "add", "other", "--address", "c@d.ee", *extra, "--password-stdin") == 2
    assert not any(isinstance(one, m.AddOther) for one in shell.front.asked)


def test_what_is_quoted_in_an_error_makes_no_second_line(shell: Shell) -> None:
    shell.front.answers[m.PauseAccounts] = NotFound("There is no account \x1b[31ma\nb.")
    assert shell("accounts", "pause", "\x1b[31ma\nb") == 2
    assert shell.said == "There is no account [31ma b.\n"


def test_no_password(shell: Shell) -> None:
    assert (
        shell("accounts", "add", "other", "--address", "c@d.ee", "--smtp-host", "s", "--password-stdin") == 2
    )
    assert "standard input" in shell.said


def test_unknown_account_is_one_clear_line(shell: Shell) -> None:
    shell.front.answers[m.PauseAccounts] = NotFound(
        "There is no account x@y.zz.", "See the list of accounts."
    )
    assert shell("accounts", "pause", "x@y.zz") == 2
    assert shell.said == "There is no account x@y.zz. See the list of accounts.\n"


@pytest.mark.parametrize(
    ("argv", "request_"),
    [
        (["accounts", "pause", "a", "b"], m.PauseAccounts(("a", "b"))),
        (["accounts", "resume", "a"], m.ResumeAccounts(("a",))),
        (["accounts", "remove", "a"], m.RemoveAccounts(("a",))),
        (["accounts", "remove", "a", "--revoke"], m.RemoveAccounts(("a",), revoke=True)),
    ],
)
def test_simple_commands(shell: Shell, argv: list[str], request_: object) -> None:
    assert shell(*argv) == 0
    assert shell.front.asked == [request_]


def test_providers(shell: Shell, tmp_path: Path) -> None:
    assert shell("providers", "list") == 0
    assert "client ID gid" in shell.printed and "not set up" in shell.printed
    assert shell("providers", "list", "--json") == 0
    assert [one["provider"] for one in json.loads(shell.printed)["providers"]] == [
        "google",
        "microsoft",
        "other",
    ]
    file = tmp_path / "client_secret.json"
    file.write_text('\ufeff{"installed": {}}', encoding="utf-8")
    answer = ProviderRow(Provider.GOOGLE, True, "gid", None, None, True, 0)
    shell.front.answers[m.SetGoogle] = answer
    assert shell("providers", "set", "google", str(file)) == 0
    assert shell.front.asked[-1] == m.SetGoogle('{"installed": {}}')
    shell.front.answers[m.SetMicrosoft] = answer
    assert shell("providers", "set", "microsoft", "--client-id", "x", "--graph", "https://g") == 0
    assert shell.front.asked[-1] == m.SetMicrosoft("x", None, "https://g")


def test_bad_client_files(shell: Shell, tmp_path: Path) -> None:
    assert shell("providers", "set", "google", str(tmp_path / "none.json")) == 2
    assert "none.json" in shell.said
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    assert shell("providers", "set", "google", str(tmp_path / "b")) == 2
    (tmp_path / "big").write_bytes(b"x" * 1_000_001)
    assert shell("providers", "set", "google", str(tmp_path / "big")) == 2
    shell.front.answers[m.SetGoogle] = InvalidInput("This is a web client.", "Make a desktop client.")
    (tmp_path / "web").write_text("{}")
    assert shell("providers", "set", "google", str(tmp_path / "web")) == 2
    assert "desktop client" in shell.said


@pytest.mark.parametrize(("cause", "code"), [(None, 0), ("app_rejected", 2)])
def test_provider_test(shell: Shell, cause: str | None, code: int) -> None:
    shell.front.answers[m.TestProvider] = m.ProviderTested(cause, cause and "said", "Text.")
    assert shell("providers", "test", "google") == code
    assert "Text." in shell.said


def test_export_and_backup(shell: Shell, tmp_path: Path) -> None:
    shell.front.answers[m.Export] = m.Exported('{"x": "ü"}')
    assert shell("export") == 0 and shell.printed == '{"x": "ü"}\n'
    assert shell("export", str(tmp_path / "e.json")) == 0
    assert (tmp_path / "e.json").read_text(encoding="utf-8") == '{"x": "ü"}'
    assert shell("export", str(tmp_path / "no" / "e.json")) == 2
    shell.front.answers[m.GetVault] = m.VaultState(m.VaultStatus.OPEN, "", "", "your passphrase")
    assert shell("backup", str(tmp_path / "b.db")) == 0
    assert m.Backup(str(tmp_path / "b.db")) in shell.front.asked
    assert shell.said.endswith("The sign-ins in it open only with your passphrase.\n")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end")
def test_a_client_file_without_an_end_is_refused(shell: Shell) -> None:
    assert shell("providers", "set", "google", "/dev/zero") == 2
    assert "too large" in shell.said


def test_doctor_tells_of_the_desktop_also_without_an_engine(shell: Shell) -> None:
    shell.start_error = EngineUnavailable("The database is damaged.", "Restore a backup.")
    assert shell("doctor") == 2
    assert shell.printed.splitlines()[0] == (
        "FAIL  background service: The database is damaged. → Restore a backup."
    )
    assert "browser" in shell.printed and shell.said == ""


def test_doctor_tells_of_alert_mail(shell: Shell) -> None:
    shell.front.answers[m.RunDoctor] = m.DoctorReport(())
    shell.front.answers[m.GetAlertMail] = AlertMailRow("me@example.com", None, None, 0, 0, 10)
    assert shell("doctor") == 2
    assert "FAIL  alert e-mail: nothing can send to me@example.com now → " in shell.printed
    shell.front.answers[m.GetAlertMail] = VaultUnavailable("The keyring is locked.", "Unlock it.")
    shell("doctor")
    assert "note  alert e-mail: The keyring is locked. → Unlock it." in shell.printed


def test_output_of_a_narrow_encoding(shell: Shell) -> None:
    shell.front.rows = [row(State.CONNECTED, address="zoë😀@example.com")]
    for argv in (("accounts", "list"), ("accounts", "list", "--json")):
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="cp1252")
        commands = Commands(
            lambda: cast(Any, shell.front), shell._open, lambda: AT, out=out, err=io.StringIO()
        )
        assert commands.run(parser.build().parse_args(argv)) == 0
        out.flush()
        printed = raw.getvalue().decode("cp1252")
    assert json.loads(printed)["accounts"][0]["address"] == "zoë😀@example.com"


@pytest.mark.parametrize("given", [b"\xff\n", b""])
def test_a_passphrase_that_is_no_text(shell: Shell, given: bytes) -> None:
    for errors in ("strict", "surrogateescape"):
        shell.stdin = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8", errors=errors)
        assert shell("unlock", "--passphrase-stdin") == 2
        assert "standard input" in shell.said and shell.front.asked == []


def test_unlock(shell: Shell) -> None:
    shell.stdin = io.StringIO("long passphrase\n")
    shell.front.answers[m.UnlockVault] = m.VaultState(m.VaultStatus.OPEN, "file", "Open.")
    assert shell("unlock", "--passphrase-stdin") == 0
    assert shell.front.asked == [m.UnlockVault("long passphrase")] and shell.said == "Open.\n"
    shell.front.answers[m.UnlockVault] = m.VaultState(m.VaultStatus.LOCKED, "", "Still locked.")
    assert shell("unlock") == 2
    assert shell.said == "Still locked.\n"
    shell.front.answers[m.UnlockVault] = m.VaultState(m.VaultStatus.NEEDS_PASSPHRASE, "file", "Enter it.")
    assert shell("unlock") == 2
    assert shell.said == "Enter it. Pipe it in: --passphrase-stdin.\n"
    shell.front.answers[m.StartOverVault] = m.VaultState(m.VaultStatus.OPEN, "file", "Open.")
    assert shell("unlock", "--start-over") == 0
    assert shell.front.asked[-1] == m.StartOverVault(None)
