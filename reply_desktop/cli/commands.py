"""Carries out the commands: one function each, giving the exit code."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from reply_desktop.channel import messages as m
from reply_desktop.cli import diagnosis_shapes, shapes
from reply_desktop.cli.console import MARKS, Console
from reply_desktop.cli.front import Front
from reply_desktop.cli.notification_commands import NotificationCommands
from reply_desktop.cli.sequence_commands import SequenceCommands
from reply_desktop.domain.causes import CAUSES, VAULT_CAUSES, Who, words
from reply_desktop.domain.consent import EXIT_CODES, ConsentEnd
from reply_desktop.domain.errors import InvalidInput, ReplyDesktopError, VaultUnavailable
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.rows import AccountFilter, AccountRow, DoctorRow
from reply_desktop.domain.states import STATE_WORDS
from reply_desktop.files import write_private

_LONGEST_FILE = 1_000_000
_LONGEST_SECRET = 10_000


class Commands:
    """The commands of one run. Standard output carries answers, standard error everything else."""

    def __init__(
        self,
        front: Callable[[], Front],
        open_browser: Callable[[str], bool],
        now: Callable[[], datetime],
        *,
        out: TextIO = sys.stdout,
        err: TextIO = sys.stderr,
        stdin: TextIO = sys.stdin,
    ) -> None:
        self._make_front = front
        self._open_browser = open_browser
        self._now = now
        self._stdin = stdin
        console = Console(out, err)
        self._print, self._say, self._json = console.print, console.say, console.json
        self._progress = console.progress
        self._fold, self._is_screen = console.fold, console.is_screen
        self._rooms = (SequenceCommands(console, now), NotificationCommands(console, self._secret))

    def run(self, args: argparse.Namespace) -> int:
        """The exit code of the command; an error is one clear line on standard error."""
        said = (args.command, getattr(args, "action", None), getattr(args, "part", None))
        name = "_".join(filter(None, said)).replace("-", "_")
        front: Front | None = None
        try:
            front = self._make_front()
            code: int = self._named(name)(front, args)
        except ReplyDesktopError as error:
            if args.command == "doctor" and front is None:
                return self._examined([DoctorRow("background service", False, error.what, error.todo)], args)
            way = " Here: reply-desktop unlock --help." if isinstance(error, VaultUnavailable) else ""
            self._say(f"{error}{way}")
            return shapes.UNKNOWN_EXIT if args.command == "check" else 2
        except KeyboardInterrupt:
            self._say("Cancelled.")
            return 4 if name in ("accounts_add", "accounts_reconnect") else 130
        finally:
            if front is not None:
                front.close()
        return code

    def _named(self, name: str) -> Callable[[Front, argparse.Namespace], int]:
        """What carries out the command with this name; every word of the parser has its own."""
        own: Callable[[Front, argparse.Namespace], int] | None = getattr(self, f"_{name}", None)
        return own or next(found for room in self._rooms if (found := getattr(room, name, None)))

    def _accounts_list(self, front: Front, args: argparse.Namespace) -> int:
        self._show(_all_rows(front), args.json)
        return 0

    def _accounts_add(self, front: Front, args: argparse.Namespace) -> int:
        if args.provider == "other":
            row = front.ask(m.AddOther(args.address, self._servers(front, args), self._secret()))
            self._show([row], args.json)
            return 0
        request = m.BeginConsent(
            provider=Provider(args.provider), login_hint=args.login_hint, reading=args.reading
        )
        return self._consent(front, request, args.json)

    def _accounts_reconnect(self, front: Front, args: argparse.Namespace) -> int:
        return self._consent(front, m.BeginConsent(account=args.address, reading=args.reading), args.json)

    def _accounts_diagnose(self, front: Front, args: argparse.Namespace) -> int:
        made = front.ask(m.GetDiagnosis(args.address))
        if args.json:
            self._json(diagnosis_shapes.diagnosis(made))
        elif args.report:
            # In a file or a mail a fact keeps its line.
            show = self._fold if self._is_screen() else self._print
            for line in made.report.splitlines():
                show(line)
        else:
            for line in diagnosis_shapes.lines(made, self._now()):
                self._fold(line)
        return 0

    def _accounts_password(self, front: Front, args: argparse.Namespace) -> int:
        found = front.ask(m.GetAccount(args.address))
        if found.servers is None:
            raise InvalidInput(
                f"{found.row.address} has no password here.",
                f"Sign in again: reply-desktop accounts reconnect {found.row.address}",
            )
        request = m.EditOther(found.row.id, found.servers, self._secret())
        self._show([front.ask(request)], args.json)
        return 0

    def _accounts_pause(self, front: Front, args: argparse.Namespace) -> int:
        front.ask(m.PauseAccounts(tuple(args.addresses)))
        return 0

    def _accounts_resume(self, front: Front, args: argparse.Namespace) -> int:
        front.ask(m.ResumeAccounts(tuple(args.addresses)))
        return 0

    def _accounts_remove(self, front: Front, args: argparse.Namespace) -> int:
        front.ask(m.RemoveAccounts(tuple(args.addresses), revoke=args.revoke))
        return 0

    def _check(self, front: Front, args: argparse.Namespace) -> int:
        def progress(done: int, total: int) -> None:
            self._progress(f"Checked {done} of {total}", over=done == total)

        rows = front.check(tuple(args.addresses), progress)
        self._show(rows, args.json)
        return shapes.check_exit(rows)

    def _providers_list(self, front: Front, args: argparse.Namespace) -> int:
        rows = front.ask(m.ListProviders()).rows
        if args.json:
            self._json({"providers": [shapes.provider(row) for row in rows]})
            return 0
        for row in rows:
            name = PROVIDER_NAMES[row.provider]
            if row.provider is Provider.OTHER:
                text = "needs no client ID"
            elif row.configured:
                text = f"client ID {row.client_id}" + (f", {row.authority}" if row.authority else "")
            else:
                text = "not set up: see reply-desktop providers set --help"
            self._print(f"{name:14} {text}")
        return 0

    def _providers_set(self, front: Front, args: argparse.Namespace) -> int:
        if args.provider == "google":
            row = front.ask(m.SetGoogle(_read_text(args.file)))
        else:
            row = front.ask(m.SetMicrosoft(args.client_id, args.authority, args.graph))
        self._say(f"{PROVIDER_NAMES[row.provider]}: client ID {row.client_id} is kept.")
        return 0

    def _providers_test(self, front: Front, args: argparse.Namespace) -> int:
        tested = front.ask(m.TestProvider(Provider(args.provider)))
        self._say(tested.text + (f" ({tested.provider_error})" if tested.provider_error else ""))
        return 0 if tested.cause is None else 2

    def _doctor(self, front: Front, args: argparse.Namespace) -> int:
        from reply_desktop.cli.doctor import examine_alert_mail

        found = front.ask(m.RunDoctor()).rows
        try:
            alert_mail = examine_alert_mail(front.ask(m.GetAlertMail()))
        except ReplyDesktopError as error:
            alert_mail = DoctorRow("alert e-mail", False, error.what, error.todo, required=False)
        return self._examined([*found, alert_mail], args)

    def _examined(self, engine: Sequence[DoctorRow], args: argparse.Namespace) -> int:
        from reply_desktop.cli.doctor import examine_desktop

        rows = [*engine, *examine_desktop()]
        if args.json:
            self._json(shapes.doctor(rows))
        else:
            for row in rows:
                mark = "ok  " if row.ok else ("FAIL" if row.required else "note")
                self._print(f"{mark}  {row.name}: {row.finding}" + (f" → {row.fix}" if row.fix else ""))
        return 0 if all(row.ok for row in rows if row.required) else 2

    def _export(self, front: Front, args: argparse.Namespace) -> int:
        text = front.ask(m.Export()).json
        if args.file is None:
            self._print(text)
            return 0
        try:
            write_private(args.file, text)
        except OSError as error:
            raise InvalidInput(f"{args.file} cannot be written: {error.strerror}.") from None
        self._say(f"Exported to {args.file}.")
        return 0

    def _backup(self, front: Front, args: argparse.Namespace) -> int:
        front.ask(m.Backup(str(args.file.resolve())))
        opens_with = front.ask(m.GetVault()).opens_with
        self._say(f"Backed up to {args.file}. The sign-ins in it open only with {opens_with}.")
        return 0

    def _unlock(self, front: Front, args: argparse.Namespace) -> int:
        passphrase = self._secret("passphrase") if args.passphrase_stdin else None
        request = m.StartOverVault(passphrase) if args.start_over else m.UnlockVault(passphrase)
        vault = front.ask(request)
        wants_passphrase = vault.status in (m.VaultStatus.NEEDS_PASSPHRASE, m.VaultStatus.NO_KEYRING)
        self._say(vault.text + (" Pipe it in: --passphrase-stdin." if wants_passphrase else ""))
        return 0 if vault.status == m.VaultStatus.OPEN else 2

    def _consent(self, front: Front, request: m.BeginConsent, as_json: bool) -> int:
        started = front.ask(request)
        self._say("Sign in in your browser. If it does not open, use this link:")
        self._say(started.url)
        self._open_browser(started.url)
        try:
            ended = front.consent_end(started.consent_id)
        except KeyboardInterrupt:
            front.ask(m.CancelConsent(started.consent_id))
            ended = front.consent_end(started.consent_id)
        self._say(ended.text)
        end = ConsentEnd(ended.end)
        if end is ConsentEnd.CONNECTED and ended.account_id is not None:
            self._show([front.ask(m.GetAccount(ended.account_id)).row], as_json)
        return EXIT_CODES[end]

    def _servers(self, front: Front, args: argparse.Namespace) -> MailServers:
        smtp = _server("smtp", args.smtp_host, args.smtp_port, args.smtp_security, (465, 587))
        imap = _server("imap", args.imap_host, args.imap_port, args.imap_security, (993, 143))
        if smtp is None:
            found = front.ask(m.FindServers(args.address)).servers
            if found is None:
                raise InvalidInput(
                    f"The mail servers of {args.address} could not be found.",
                    "Give --smtp-host, --smtp-port and --smtp-security.",
                )
            return MailServers(found.smtp, imap or found.imap, args.smtp_user or found.user)
        return MailServers(smtp, imap, args.smtp_user)

    def _secret(self, what: str = "password") -> str:
        try:
            secret = self._stdin.readline(_LONGEST_SECRET).rstrip("\r\n")
            secret.encode()
        except UnicodeError:
            raise InvalidInput("What came on standard input is not text.", "Pipe it in as UTF-8.") from None
        if not secret:
            raise InvalidInput("Nothing came on standard input.", f"Pipe the {what} in, on one line.")
        return secret

    def _show(self, rows: Sequence[AccountRow], as_json: bool) -> None:
        if as_json:
            self._json(shapes.accounts(rows))
            return
        if not rows:
            self._say("No accounts yet. Add one: reply-desktop accounts add --help")
        width = max((len(row.address) for row in rows), default=0)
        for row in rows:
            self._print(self._line(row, width))

    def _line(self, row: AccountRow, width: int) -> str:
        name = PROVIDER_NAMES[row.provider]
        proven = "never proven" if row.proven_at is None else f"proven {_age(self._now(), row.proven_at)} ago"
        line = f"{MARKS[row.color]} {row.address:{width}}  {name:13}  {STATE_WORDS[row.state]:13}  {proven}"
        if row.cause is None:
            return line
        told = words(row.cause, row.address, name)
        if CAUSES[row.cause].who is Who.NOBODY:
            return f"{line}  {told.short}"
        todo = "reply-desktop unlock --help" if row.cause in VAULT_CAUSES else told.steps[0]
        return f"{line}  {told.short} → {todo}"


def _all_rows(front: Front) -> list[AccountRow]:
    ids = front.ask(m.ListAccounts(AccountFilter(sort="address", descending=False))).ids
    rows: list[AccountRow] = []
    for start in range(0, len(ids), 1000):
        rows += front.ask(m.GetAccounts(ids[start : start + 1000])).rows
    return rows


def _server(
    kind: str, host: str | None, port: int | None, security: str | None, ports: tuple[int, int]
) -> MailServer | None:
    if host is None:
        if port is not None or security is not None:
            raise InvalidInput(f"--{kind}-port and --{kind}-security need --{kind}-host.")
        return None
    tls_port, starttls_port = ports
    if security is None:
        security = "starttls" if port == starttls_port else "tls"
    if port is None:
        port = tls_port if security == "tls" else starttls_port
    return MailServer(host, port, Security(security))


def _read_text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file.", "Give the client_secret.json itself.") from None
    # Counted and not asked for: a device or a pipe has no size, and may never end.
    if len(text) > _LONGEST_FILE:
        raise InvalidInput(f"{path} is too large to be a client file.")
    return text


def _age(now: datetime, at: datetime) -> str:
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def utc_now() -> datetime:
    """The time now, aware UTC."""
    return datetime.now(UTC)
