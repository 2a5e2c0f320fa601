"""Commands on notifications against a front that answers from a script: what is asked, printed and said."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import Severity
from reply_desktop.domain.notification_rules import CHOICES
from reply_desktop.domain.preferences import (
    ALERT_CHOICES,
    DEFAULTS,
    EMAIL_CAP,
    EMAIL_TO,
    OTHER_ACCOUNTS,
    QUIET,
    REMINDERS,
    TRAY_ALERTS,
)
from reply_desktop.domain.rows import AlertMailRow
from tests.cli.test_notification_shapes import MAIL, SALES, notice
from tests.cli.test_shapes import AT
from tests.fakes.shell import Shell

BACK = replace(SALES, id="c2", name="Back office", enabled=False, trouble="HTTP 404\x1b[2J")
RELAY = ["--host", "smtp.example.com", "--port", "465", "--security", "tls", "--sender", "Alerts@example.com"]


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """The script knows three notifications, alert e-mail that works, and two team channels."""
    channels = m.TeamChannelList((SALES, BACK))
    bell = (notice(), notice("n2", read=True, withdrawn=True), notice("n3", reminded=2))
    shell.front.answers |= {
        m.ListNotifications: m.NotificationList(bell),
        m.GetSettings: lambda r: m.SettingValues({name: json.dumps(DEFAULTS[name]) for name in r.names}),
        m.GetAlertMail: MAIL,
        m.PutRelay: MAIL,
        m.ClearRelay: replace(MAIL, relay=None),
        m.TestAlertMail: m.AlertTested("Sent to me@example.com through ana@example.com."),
        m.TestTeamChannel: m.AlertTested("Sent to Sales."),
    }
    for request in (m.ListTeamChannels, m.AddTeamChannel, m.SwitchTeamChannel, m.RemoveTeamChannel):
        shell.front.answers[request] = channels
    return shell


def put(shell: Shell) -> dict[str, Any]:
    """The settings kept by the one request for it."""
    (found,) = [one for one in shell.front.asked if isinstance(one, m.PutSettings)]
    return {name: json.loads(text) for name, text in found.values.items()}


def test_list(shell: Shell) -> None:
    assert shell("notifications", "list") == 0
    new, over, again = shell.printed.splitlines()
    assert "✖ ana@example.com cannot send: Access was removed. Reconnect it. (unread)" in new
    assert over.endswith("(over)") and again.endswith("(unread, told 3 times)")
    assert shell("notifications", "list", "--unread", "--json") == 0
    assert [one["id"] for one in json.loads(shell.printed)["notifications"]] == ["n1", "n3"]


def test_list_shows_no_control_characters(shell: Shell) -> None:
    shell.front.answers[m.ListNotifications] = m.NotificationList(
        (notice(title="a\x1b[2Jb", text="c\nd", severity=Severity.WARNING),)
    )
    assert shell("notifications", "list") == 0
    assert "▲ a [2Jb: c d (unread)" in shell.printed


@pytest.mark.parametrize(
    ("argv", "says"), [([], "nothing to tell you yet"), (["--unread"], "Nothing unread")]
)
def test_list_of_nothing(shell: Shell, argv: list[str], says: str) -> None:
    shell.front.answers[m.ListNotifications] = m.NotificationList(())
    assert shell("notifications", "list", *argv) == 0
    assert says in shell.said and shell.printed == ""


@pytest.mark.parametrize(("limit", "found"), [(0, 1203), (700, 700), (1, 1)])
def test_list_turns_pages_and_loses_none_of_the_same_moment(shell: Shell, limit: int, found: int) -> None:
    rows = [notice(f"n{i}", at=AT - timedelta(seconds=i // 30)) for i in range(1203)]

    def bell(request: m.ListNotifications) -> m.NotificationList:
        older = [row for row in rows if request.before is None or row.at < request.before]
        page = older[: request.limit]
        return m.NotificationList(tuple(page + [row for row in older[len(page) :] if row.at == page[-1].at]))

    shell.front.answers[m.ListNotifications] = bell
    assert shell("notifications", "list", "--limit", str(limit), "--json") == 0
    ids = [one["id"] for one in json.loads(shell.printed)["notifications"]]
    assert ids == [row.id for row in rows[:found]]


@pytest.mark.parametrize("ids", [(), ("n1", "n2")])
def test_read(shell: Shell, ids: tuple[str, ...]) -> None:
    assert shell("notifications", "read", *ids) == 0
    assert shell.front.asked[-1] == m.MarkRead(ids)


def test_read_marks_none_when_one_is_not_there(shell: Shell) -> None:
    assert shell("notifications", "read", "n1", "n9\x1b") == 2
    assert "There is no notification “n9”." in shell.said and "list --json" in shell.said
    assert not any(isinstance(one, m.MarkRead) for one in shell.front.asked)


WHERE = """\
                                   desktop  email  team
lost       an account cannot send  on       on     on
deadline   a sign-in ends soon     on       on     on
recovered  it works again          on       -      on
Desktop on, reminders on, other accounts off. The bell tells everything.
"""


def test_choices_show_what_is_told_where(shell: Shell) -> None:
    assert shell("notifications", "choices") == 0
    assert shell.printed == WHERE
    assert [type(one) for one in shell.front.asked] == [m.GetSettings]
    assert shell("notifications", "choices", "--json") == 0
    told = json.loads(shell.printed)["choices"]
    assert told["news"]["recovered"] == ["desktop", "team"] and told["news"].keys() == CHOICES.keys()


@pytest.mark.parametrize(
    ("argv", "kept", "says"),
    [
        (["deadline", "team", "desktop"], {ALERT_CHOICES: {"deadline": ["team", "tray"]}}, "soon     on       off    on"),
        (["lost", "none"], {ALERT_CHOICES: {"lost": []}}, "cannot send  off      off    off"),
        (["lost", "email", "email"], {ALERT_CHOICES: {"lost": ["email"]}}, "cannot send  off      on     off"),
        (["--desktop", "off"], {TRAY_ALERTS: False}, "cannot send  off      on     on\n"),
        (["--reminders", "off", "--other-accounts", "on"], {REMINDERS: False, OTHER_ACCOUNTS: True}, "accounts on."),
        (["recovered", "team", "--reminders", "on"], {ALERT_CHOICES: {"recovered": ["team"]}, REMINDERS: True}, "off      -"),
    ],
)  # fmt: skip
def test_choices_are_kept_and_shown(shell: Shell, argv: list[str], kept: dict[str, Any], says: str) -> None:
    if ALERT_CHOICES in kept:
        kept = kept | {ALERT_CHOICES: DEFAULTS[ALERT_CHOICES] | kept[ALERT_CHOICES]}
    assert shell("notifications", "choices", *argv) == 0
    assert put(shell) == kept
    assert says in shell.printed


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["found", "email"], "There is no news “found”. There is: lost, deadline, recovered."),
        (["lost"], "Where is “lost” to be told? Use desktop, email, team, or none alone."),
        (["lost", "sms"], "“sms” is no channel. Use desktop, email, team, or none alone."),
        (["lost", "none", "email"], "“none” is no channel. Use desktop, email, team, or none alone."),
        (["recovered", "email"], "“recovered” is never told by email. Use desktop, team, or none alone."),
    ],
)
def test_choices_that_cannot_be(shell: Shell, argv: list[str], says: str) -> None:
    assert shell("notifications", "choices", *argv) == 2
    assert shell.said == f"{says}\n"
    assert not any(isinstance(one, m.PutSettings) for one in shell.front.asked)


@pytest.mark.parametrize(("said", "kept"), [("Me@Example.com", "me@example.com"), ("off", "")])
def test_email_is_put_and_shown(shell: Shell, said: str, kept: str) -> None:
    assert shell("notifications", "email", said) == 0
    assert put(shell) == {EMAIL_TO: kept}
    assert len(shell.printed.splitlines()) == 1


def test_the_most_emails_are_put_alone_or_with_the_address(shell: Shell) -> None:
    assert shell("notifications", "email", "--cap", "3") == 0
    assert put(shell) == {EMAIL_CAP: 3}
    shell.front.asked.clear()
    assert shell("notifications", "email", "me@example.com", "--cap", "0") == 0
    # Which numbers make sense the engine knows.
    assert put(shell) == {EMAIL_TO: "me@example.com", EMAIL_CAP: 0}
    shell.front.answers[m.GetAlertMail] = replace(MAIL, sent_today=3, daily_cap=3)
    assert shell("notifications", "email") == 0
    assert "3 of 3 sent in the last 24 hours, the most you allow." in shell.printed


def test_email_shows_how_it_stands(shell: Shell) -> None:
    assert shell("notifications", "email") == 0
    assert shell.front.asked == [m.GetAlertMail()]
    assert shell.printed == (
        "Alert e-mail goes to me@example.com, through ana@example.com. The relay is smtp.example.com:465, "
        "from alerts@example.com. 2 wait to be told. 3 of 10 sent in the last 24 hours. It was refused.\n"
    )
    assert shell("notifications", "email", "--json") == 0
    assert json.loads(shell.printed)["email"]["to"] == "me@example.com"


def test_email_without_address_or_way(shell: Shell) -> None:
    shell.front.answers[m.GetAlertMail] = AlertMailRow("", None, None, 0, 0, 10)
    assert shell("notifications", "email", "off") == 0
    assert shell.printed == "Alert e-mail is off.\n"
    shell.front.answers[m.GetAlertMail] = AlertMailRow("me@example.com", None, None, 1, 0, 10)
    assert shell("notifications", "email") == 0
    assert "but nothing can send it now. Reconnect an account, or give a relay: " in shell.printed
    assert "1 waits to be told." in shell.printed
    shell.front.answers[m.GetAlertMail] = replace(MAIL, through=None)
    assert shell("notifications", "email") == 0
    assert "or check the relay. The relay is smtp.example.com:465" in shell.printed


def test_email_refuses_what_is_no_address(shell: Shell) -> None:
    assert shell("notifications", "email", "of") == 2
    assert "“of” is not a mail address" in shell.said and shell.front.asked == []


def test_relay(shell: Shell) -> None:
    shell.stdin = io.StringIO("pass word\n")
    assert shell("notifications", "relay", "set", *RELAY, "--user", "ana", "--password-stdin", "--json") == 0
    server = MailServer("smtp.example.com", 465, Security.TLS)
    assert shell.front.asked == [m.PutRelay(server, "alerts@example.com", "ana", "pass word")]
    assert "pass word" not in shell.printed + shell.said + repr(shell.front.asked)
    assert json.loads(shell.printed)["email"]["relay"]["host"] == "smtp.example.com"
    assert shell("notifications", "relay", "set", *RELAY) == 0
    assert shell.front.asked[-1] == m.PutRelay(server, "alerts@example.com", "", None)
    assert shell("notifications", "relay", "clear") == 0
    assert shell.front.asked[-1] == m.ClearRelay() and "relay" not in shell.printed
    assert shell("notifications", "relay", "clear", "--json") == 0
    assert json.loads(shell.printed)["email"]["relay"] is None


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--sender", "nobody"], "“nobody” is not a mail address"),
        (["--password-stdin"], "Give --user too"),
        (["--user", "ana", "--password-stdin"], "Pipe the password in"),
    ],
)
def test_relay_that_cannot_be(shell: Shell, argv: list[str], says: str) -> None:
    assert shell("notifications", "relay", "set", *RELAY, *argv) == 2
    assert says in shell.said and shell.front.asked == []


def test_what_the_engine_refuses_is_one_clear_line(shell: Shell) -> None:
    shell.front.answers[m.PutRelay] = InvalidInput("smtp.example.com refused the password.", "Check it.")
    assert shell("notifications", "relay", "set", *RELAY) == 2
    assert shell.said == "smtp.example.com refused the password. Check it.\n"


def test_channel_list(shell: Shell) -> None:
    assert shell("notifications", "channel", "list") == 0
    sales, back = shell.printed.splitlines()
    assert sales == "● Sales        on   Slack  slack://…"
    assert back == "○ Back office  off  Slack  slack://…  HTTP 404 [2J"
    assert shell("notifications", "channel", "list", "--json") == 0
    assert [one["name"] for one in json.loads(shell.printed)["channels"]] == ["Sales", "Back office"]
    shell.front.answers[m.ListTeamChannels] = m.TeamChannelList(())
    assert shell("notifications", "channel", "list") == 0
    assert "channel add" in shell.said


def test_channel_add_reads_the_secret_from_standard_input(shell: Shell) -> None:
    shell.stdin = io.StringIO("https://hooks.example/T0/secret\n")
    assert shell("notifications", "channel", "add", "Sales", "--url-stdin") == 0
    assert shell.front.asked == [m.AddTeamChannel("Sales", "https://hooks.example/T0/secret")]
    assert "secret" not in shell.printed + shell.said + repr(shell.front.asked)
    shell.front.asked.clear()
    assert shell("notifications", "channel", "add", "Sales", "--url-stdin") == 2
    assert "Pipe the address in" in shell.said and shell.front.asked == []


@pytest.mark.parametrize(
    ("word", "request_"),
    [
        ("on", m.SwitchTeamChannel("sales", True)),
        ("off", m.SwitchTeamChannel("sales", False)),
        ("remove", m.RemoveTeamChannel("sales")),
        ("test", m.TestTeamChannel("sales")),
    ],
)
def test_a_channel_is_handed_on_as_it_is_named(shell: Shell, word: str, request_: object) -> None:
    assert shell("notifications", "channel", word, "sales") == 0
    assert shell.front.asked == [request_]
    shell.front.answers[type(request_)] = NotFound("There is no team channel “sales”.", "Look at the list.")
    assert shell("notifications", "channel", word, "sales") == 2
    assert shell.said == "There is no team channel “sales”. Look at the list.\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [(["test-email"], "through ana@example.com"), (["channel", "test", "Sales"], "Sent to Sales.")],
)
def test_tests_say_what_became_of_them(shell: Shell, argv: list[str], says: str) -> None:
    assert shell("notifications", *argv) == 0
    assert says in shell.said
    for request in (m.TestAlertMail, m.TestTeamChannel):
        shell.front.answers[request] = InvalidInput("It did not arrive.")
    assert shell("notifications", *argv) == 2
    assert shell.said == "It did not arrive.\n"


@pytest.mark.parametrize(
    ("argv", "kept", "says"),
    [
        (["21:30-06:00"], {"on": True, "from": "21:30", "to": "06:00", "weekends": False}, "21:30 to 06:00, by"),
        (["21:30-06:00", "--weekends"], {"on": True, "from": "21:30", "to": "06:00", "weekends": True}, "and Saturdays"),
        (["00:00-00:00", "--weekends"], {"on": True, "from": "00:00", "to": "00:00", "weekends": True}, "Quiet: Saturdays"),
        (["off"], {"on": False, "from": "22:00", "to": "07:00", "weekends": False}, "off"),
    ],
)  # fmt: skip
def test_quiet(shell: Shell, argv: list[str], kept: dict[str, Any], says: str) -> None:
    assert shell("notifications", "quiet", *argv) == 0
    assert put(shell) == {QUIET: kept}
    assert says in shell.printed


def test_quiet_shows_how_it_stands(shell: Shell) -> None:
    assert shell("notifications", "quiet", "--json") == 0
    assert json.loads(shell.printed)["quiet"] == DEFAULTS[QUIET]
    assert shell.front.asked == [m.GetSettings((QUIET,))]


@pytest.mark.parametrize(
    "argv",
    [["22:00"], ["22-25:00"], ["soon"], ["22:00-22:00"], ["22:00:30-07:00"], ["22:00Z-07:00"], ["off", "--weekends"], ["--weekends"]],
)  # fmt: skip
def test_quiet_refuses(shell: Shell, argv: list[str]) -> None:
    assert shell("notifications", "quiet", *argv) == 2
    assert len(shell.said.splitlines()) == 1
    assert not any(isinstance(one, m.PutSettings) for one in shell.front.asked)
