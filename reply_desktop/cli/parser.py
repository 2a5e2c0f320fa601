"""The words of the command line, and which function carries out which."""

import argparse

from reply_desktop import __version__
from reply_desktop.cli import notification_parser, sequence_parser
from reply_desktop.cli.words import Parser, add, given_path, port, with_json


def build() -> argparse.ArgumentParser:
    """The parser of all commands; `command` and `action` name what is wanted, `command` None = the window."""
    parser = Parser(
        prog="reply-desktop",
        description="Keeps every sending mailbox connected, and tells the truth about it. "
        "Without a command it opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"reply-desktop {__version__}")
    parser.add_argument("--sandbox", action="store_true", help="use local stand-ins for the providers")
    parser.add_argument("--data-dir", type=given_path, metavar="DIR", help="the data folder")
    parser.add_argument("--hidden", action="store_true", help="start in the tray, without showing the window")
    parser.add_argument("--verbose", action="store_true", help="write more to the log")
    parser.add_argument("--open", type=str, metavar="LINK", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _accounts(commands)
    check = add(commands, "check", "ask the providers now; exit 0 all green, 1 orange, 2 red, 3 unknown")
    check.add_argument("addresses", nargs="*", metavar="ADDRESS")
    with_json(check)
    _providers(commands)
    sequence_parser.add_to(commands)
    notification_parser.add_to(commands)
    worker = add(commands, "worker", "the engine without a window")
    worker.add_argument("--once", action="store_true", help="every due check, then end")
    worker.add_argument("--sandbox", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    worker.add_argument("--data-dir", type=given_path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    doctor = add(commands, "doctor", "what works on this computer, and how to fix the rest")
    with_json(doctor)
    export = add(commands, "export", "accounts, history and settings as JSON, without any secret")
    export.add_argument("file", nargs="?", type=given_path, metavar="FILE", help="default: standard output")
    backup = add(commands, "backup", "a whole copy of the data; sign-ins stay sealed")
    backup.add_argument("file", type=given_path, metavar="FILE")
    restore = add(commands, "restore", "put a backup in place of the present data, which is kept aside")
    restore.add_argument("file", type=given_path, metavar="FILE")
    unlock = add(commands, "unlock", "open the vault: the keyring again, or the passphrase-sealed file")
    unlock.add_argument(
        "--passphrase-stdin", action="store_true", help="for the vault file; else the keyring"
    )
    unlock.add_argument(
        "--start-over", action="store_true", help="make a new key: the old one is gone for good"
    )
    stop = add(commands, "stop", "end the engine of this data folder")
    stop.set_defaults(json=False)
    return parser


def _accounts(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    accounts = add(commands, "accounts", "list, add, mend, diagnose, pause or remove accounts")
    actions = accounts.add_subparsers(dest="action", metavar="ACTION", required=True)
    with_json(add(actions, "list", "all accounts with state, cause and age of proof"))
    connect = add(actions, "add", "connect a mailbox: google and microsoft open the browser")
    kinds = connect.add_subparsers(dest="provider", metavar="PROVIDER", required=True)
    for name in ("google", "microsoft"):
        kind = add(kinds, name, "sign in through the browser")
        kind.add_argument("--login-hint", metavar="ADDRESS", help="the mailbox that must be chosen")
        _reading(kind)
        with_json(kind)
    other = add(kinds, "other", "a mailbox with SMTP, and IMAP if it has it")
    other.add_argument("--address", required=True)
    other.add_argument("--smtp-host")
    other.add_argument("--smtp-port", type=port)
    other.add_argument("--smtp-security", choices=("starttls", "tls"))
    other.add_argument("--smtp-user")
    other.add_argument("--imap-host")
    other.add_argument("--imap-port", type=port)
    other.add_argument("--imap-security", choices=("starttls", "tls"))
    other.add_argument("--password-stdin", action="store_true", required=True)
    with_json(other)
    reconnect = add(actions, "reconnect", "sign in again through the browser; the row keeps its history")
    reconnect.add_argument("address", metavar="ADDRESS")
    _reading(reconnect)
    with_json(reconnect)
    password = add(actions, "password", "a password mailbox's new password, kept once the servers take it")
    password.add_argument("address", metavar="ADDRESS")
    password.add_argument("--password-stdin", action="store_true", required=True)
    with_json(password)
    diagnose = add(actions, "diagnose", "what happened to an account, why probably, and how it is mended")
    diagnose.add_argument("address", metavar="ADDRESS")
    forms = diagnose.add_mutually_exclusive_group()
    with_json(forms)
    forms.add_argument("--report", action="store_true", help="print only the report for an administrator")
    for name, text in (("pause", "stop checking and sending"), ("resume", "let a paused account go on")):
        one = add(actions, name, text)
        one.add_argument("addresses", nargs="+", metavar="ADDRESS")
    remove = add(actions, "remove", "forget accounts and their sign-ins")
    remove.add_argument("addresses", nargs="+", metavar="ADDRESS")
    remove.add_argument("--revoke", action="store_true", help="also end the sign-in at the provider")


def _providers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    providers = add(commands, "providers", "client IDs of Google and Microsoft")
    actions = providers.add_subparsers(dest="action", metavar="ACTION", required=True)
    with_json(add(actions, "list", "how the providers are set up"))
    put = add(actions, "set", "take a client file or ID")
    kinds = put.add_subparsers(dest="provider", metavar="PROVIDER", required=True)
    google = add(kinds, "google", "client_secret.json as the Google console gives it")
    google.add_argument("file", type=given_path, metavar="CLIENT_SECRET.json")
    microsoft = add(kinds, "microsoft", "the application (client) ID")
    microsoft.add_argument("--client-id", required=True)
    microsoft.add_argument("--authority", metavar="URL")
    microsoft.add_argument("--graph", metavar="URL")
    test = add(actions, "test", "ask the provider whether it knows the client ID")
    test.add_argument("provider", choices=("google", "microsoft"))


def _reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reading",
        action="store_true",
        help="also ask for the permission to read mail, so that replies and bounces are seen",
    )
