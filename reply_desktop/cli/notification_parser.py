"""The words of the commands on notifications: the bell, what is told where, alert e-mail, team channels."""

import argparse

from reply_desktop.cli.notification_shapes import CHANNELS
from reply_desktop.cli.words import add, number, port, some_or_all, with_json
from reply_desktop.domain.grant import Security
from reply_desktop.domain.notification_rules import CHOICES


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them to the commands there are."""
    notifications = add(commands, "notifications", "what you were told, and where you are told")
    actions = notifications.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = add(actions, "list", "what you were told, newest first")
    show.add_argument("--unread", action="store_true", help="only what was not read yet")
    show.add_argument("--limit", type=some_or_all, default=100, metavar="N", help="default 100; 0: all")
    with_json(show)
    read = add(actions, "read", "mark notifications as read; all when none is named")
    read.add_argument("ids", nargs="*", metavar="ID", help="as list --json gives it")
    _choices(actions)
    email = add(actions, "email", "where alert e-mail goes, and how it stands")
    email.add_argument("to", nargs="?", metavar="ADDRESS|off", help="default: only say how it stands")
    email.add_argument("--cap", type=number, metavar="N", help="at most so many e-mails in any 24 hours")
    with_json(email)
    add(actions, "test-email", "send a test alert e-mail now")
    _relay(actions)
    _channel(actions)
    quiet = add(actions, "quiet", "hours in which desktop and e-mail keep still; the bell never does")
    quiet.add_argument("hours", nargs="?", metavar="HH:MM-HH:MM|off", help="by this computer's clock")
    quiet.add_argument("--weekends", action="store_true", help="Saturdays and Sundays too, as a whole")
    with_json(quiet)


def _choices(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    choices = add(actions, "choices", "which news is told where; the bell tells all of it")
    choices.add_argument("news", nargs="?", metavar="NEWS", help=f"{', '.join(CHOICES)}; default: only say")
    choices.add_argument(
        "channels", nargs="*", metavar="CHANNEL", help=f"all that tell it: {', '.join(CHANNELS)}; or none"
    )
    for name, text in (
        ("desktop", "show alerts on the desktop at all"),
        ("reminders", "tell what lasts again on the desktop"),
        ("other-accounts", "tell of password mailboxes (Other) too"),
    ):
        choices.add_argument(f"--{name}", choices=("on", "off"), help=text)
    with_json(choices)


def _relay(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    relay = add(actions, "relay", "the mail server for alert e-mail when no account can send")
    parts = relay.add_subparsers(dest="part", metavar="ACTION", required=True)
    put = add(parts, "set", "use this server, after a look whether it takes the sign-in")
    put.add_argument("--host", required=True)
    put.add_argument("--port", type=port, required=True)
    put.add_argument("--security", choices=[one.value for one in Security], required=True)
    put.add_argument("--sender", required=True, metavar="ADDRESS", help="the address alert e-mail comes from")
    put.add_argument("--user", type=str, default="", help="default: no sign-in")
    put.add_argument("--password-stdin", action="store_true", help="else the password that is kept")
    with_json(put)
    with_json(add(parts, "clear", "forget the server and its password"))


def _channel(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    channel = add(actions, "channel", "places a team reads: Slack, Teams, Telegram, a webhook")
    parts = channel.add_subparsers(dest="part", metavar="ACTION", required=True)
    with_json(add(parts, "list", "the team channels, and how they do"))
    put = _named(parts, "add", "a new team channel; its address is a secret and is kept in the vault")
    put.add_argument(
        "--url-stdin",
        action="store_true",
        required=True,
        help="the service's webhook address, or as Apprise writes it, comes on standard input",
    )
    with_json(put)
    with_json(_named(parts, "on", "let a team channel hear of news"))
    with_json(_named(parts, "off", "let a team channel hear nothing more"))
    with_json(_named(parts, "remove", "forget a team channel and its address"))
    _named(parts, "test", "send a test message to a team channel now")


def _named(
    parts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    part = add(parts, name, text)
    part.add_argument("name", metavar="NAME", help="its name or id")
    return part
