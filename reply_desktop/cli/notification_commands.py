"""Carries out the commands on notifications: the bell, alert e-mail, team channels, quiet hours."""

import argparse
import json
from collections.abc import Callable
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final

from reply_desktop.channel import messages as m
from reply_desktop.cli import notification_shapes as shapes
from reply_desktop.cli.console import MARKS, Console
from reply_desktop.cli.front import Front
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import Severity, plain
from reply_desktop.domain.preferences import EMAIL_TO, QUIET
from reply_desktop.domain.rows import AlertMailRow, NotificationRow, TeamChannelRow

_PAGE: Final = 500
_OFF: Final = "off"
_SHAPES: Final = MappingProxyType(
    {
        Severity.CRITICAL: MARKS["red"],
        Severity.WARNING: MARKS["orange"],
        Severity.INFO: MARKS["green"],
    }
)


class NotificationCommands:
    """The commands of one run that are about notifications; each gives its exit code.

    `secret` reads one line of standard input and says what it is when there is none: secrets come that way
    alone.
    """

    def __init__(self, console: Console, secret: Callable[[str], str]) -> None:
        self._console = console
        self._print, self._say = console.print, console.say
        self._secret = secret

    def notifications_list(self, front: Front, args: argparse.Namespace) -> int:
        """The bell's entries, newest first."""
        rows = _bell(front, args.limit, unread=args.unread)
        if args.json:
            self._console.json(shapes.notifications(rows))
            return 0
        for row in rows:
            self._print(_line(row))
        if not rows:
            self._say("Nothing unread." if args.unread else "There was nothing to tell you yet.")
        return 0

    def notifications_read(self, front: Front, args: argparse.Namespace) -> int:
        """Entries marked read."""
        front.ask(m.MarkRead(tuple(args.ids)))
        return 0

    def notifications_email(self, front: Front, args: argparse.Namespace) -> int:
        """Where alert e-mail goes, after a change if one is wanted."""
        if args.to is not None:
            to = "" if args.to == _OFF else parse_address(args.to)
            front.ask(m.PutSettings({EMAIL_TO: json.dumps(to)}))
        self._show_mail(front.ask(m.GetAlertMail()), args.json)
        return 0

    def notifications_test_email(self, front: Front, args: argparse.Namespace) -> int:
        """A test e-mail."""
        self._say(front.ask(m.TestAlertMail()).text)
        return 0

    def notifications_relay_set(self, front: Front, args: argparse.Namespace) -> int:
        """The relay, taken after the engine has tried it."""
        if not 1 <= args.port <= 65535:
            raise InvalidInput(f"--port {args.port} is not a port.", "Use 1 to 65535.")
        if args.password_stdin and not args.user:
            raise InvalidInput("A password needs the name it belongs to.", "Give --user too.")
        server = MailServer(args.host, args.port, Security(args.security))
        password = self._secret("password") if args.password_stdin else None
        request = m.PutRelay(server, parse_address(args.sender), args.user, password)
        self._show_mail(front.ask(request), args.json)
        return 0

    def notifications_relay_clear(self, front: Front, args: argparse.Namespace) -> int:
        """No relay any more."""
        self._show_mail(front.ask(m.ClearRelay()), as_json=False)
        return 0

    def notifications_channel_list(self, front: Front, args: argparse.Namespace) -> int:
        """The team channels."""
        self._show_channels(front.ask(m.ListTeamChannels()), args.json)
        return 0

    def notifications_channel_add(self, front: Front, args: argparse.Namespace) -> int:
        """A new team channel."""
        self._show_channels(front.ask(m.AddTeamChannel(args.name, self._secret("address"))), args.json)
        return 0

    def notifications_channel_on(self, front: Front, args: argparse.Namespace) -> int:
        """A team channel that hears of news."""
        return self._switch(front, args, enabled=True)

    def notifications_channel_off(self, front: Front, args: argparse.Namespace) -> int:
        """A team channel that hears nothing more."""
        return self._switch(front, args, enabled=False)

    def notifications_channel_remove(self, front: Front, args: argparse.Namespace) -> int:
        """A team channel forgotten."""
        found = _channel(front, args.name)
        self._show_channels(front.ask(m.RemoveTeamChannel(found.id)), args.json)
        return 0

    def notifications_channel_test(self, front: Front, args: argparse.Namespace) -> int:
        """A test message to a team channel."""
        self._say(front.ask(m.TestTeamChannel(_channel(front, args.name).id)).text)
        return 0

    def notifications_quiet(self, front: Front, args: argparse.Namespace) -> int:
        """The quiet hours, after a change if one is wanted."""
        hours: dict[str, Any] = json.loads(front.ask(m.GetSettings((QUIET,))).values[QUIET])
        if args.hours is None and args.weekends:
            raise InvalidInput(
                "--weekends needs the hours too.", "For weekends alone: 00:00-00:00 --weekends."
            )
        if args.hours is not None:
            hours |= _wanted_hours(args.hours, weekends=args.weekends)
            front.ask(m.PutSettings({QUIET: json.dumps(hours)}))
        if args.json:
            self._console.json(shapes.quiet(hours))
        else:
            self._print(_quiet_words(hours))
        return 0

    def _switch(self, front: Front, args: argparse.Namespace, *, enabled: bool) -> int:
        found = _channel(front, args.name)
        self._show_channels(front.ask(m.SwitchTeamChannel(found.id, enabled)), args.json)
        return 0

    def _show_mail(self, row: AlertMailRow, as_json: bool) -> None:
        if as_json:
            self._console.json(shapes.alert_mail(row))
        else:
            self._print(_mail_words(row))

    def _show_channels(self, found: m.TeamChannelList, as_json: bool) -> None:
        if as_json:
            self._console.json(shapes.channels(found.rows))
            return
        width = max((len(row.name) for row in found.rows), default=0)
        for row in found.rows:
            color = "grey" if not row.enabled else "orange" if row.trouble else "green"
            state = "on" if row.enabled else "off"
            trouble = f"  {plain(row.trouble)}" if row.trouble else ""
            name = f"{MARKS[color]} {row.name:{width}}"
            self._print(f"{name}  {state:3}  {row.service}  {row.address}{trouble}")
        if not found.rows:
            self._say("No team channels. Add one: reply-desktop notifications channel add --help")


def _bell(front: Front, limit: int, *, unread: bool) -> list[NotificationRow]:
    found: dict[str, NotificationRow] = {}
    before: datetime | None = None
    while True:
        page = front.ask(m.ListNotifications(_PAGE, before)).rows
        fresh = [row for row in page if row.id not in found]
        found |= {row.id: row for row in fresh}
        kept = [row for row in found.values() if not (unread and row.read)]
        if len(page) < _PAGE or not fresh or 0 < limit <= len(kept):
            return kept[:limit] if limit > 0 else kept
        # Others of the very same moment may stand on the next page.
        before = page[-1].at + timedelta(microseconds=1)


def _line(row: NotificationRow) -> str:
    marks = [
        "" if row.read else "unread",
        "over" if row.withdrawn else "",
        f"told {row.reminded + 1} times" if row.reminded else "",
    ]
    told = ", ".join(filter(None, marks))
    title = f"{row.at.astimezone():%Y-%m-%d %H:%M}  {_SHAPES[row.severity]} {plain(row.title)}"
    return f"{title}: {plain(row.text, 600)}" + (f" ({told})" if told else "")


def _mail_words(row: AlertMailRow) -> str:
    server = row.relay and f"{row.relay.server.host}:{row.relay.server.port}"
    relay = f" The relay is {server}, from {row.relay.sender}." if row.relay else ""
    if not row.to:
        return f"Alert e-mail is off.{relay}"
    way = f"through {row.through}" if row.through else "but nothing can send it now"
    waiting = f" {row.waiting} {'waits' if row.waiting == 1 else 'wait'} to be told." if row.waiting else ""
    trouble = f" {plain(row.trouble)}" if row.trouble else ""
    counts = f" {row.sent_today} of {row.daily_cap} sent in the last 24 hours."
    return f"Alert e-mail goes to {row.to}, {way}.{relay}{waiting}{counts}{trouble}"


def _channel(front: Front, name: str) -> TeamChannelRow:
    """The team channel with this id, else with this name. Raises NotFound."""
    rows = front.ask(m.ListTeamChannels()).rows
    for row in rows:
        if row.id == name:
            return row
    for row in rows:
        if row.name.casefold() == name.strip().casefold():
            return row
    known = ", ".join(row.name for row in rows[:20])
    raise NotFound(
        f"There is no team channel “{plain(name, 60)}”.",
        f"There is: {known}." if known else "Add one: reply-desktop notifications channel add --help",
    )


def _wanted_hours(text: str, *, weekends: bool) -> dict[str, Any]:
    """What changes in the setting. Raises InvalidInput."""
    if text == _OFF:
        if weekends:
            raise InvalidInput("Quiet hours cannot be off and on weekends at once.", "Leave one away.")
        return {"on": False}
    begins, _, ends = text.partition("-")
    try:
        clocks = [time.fromisoformat(one.strip()) for one in (begins, ends)]
    except ValueError:
        clocks = []
    if not clocks or any(clock.tzinfo or clock.second or clock.microsecond for clock in clocks):
        raise InvalidInput(f"“{plain(text, 60)}” is no time of day.", "Write it like 22:00-07:00, or off.")
    if clocks[0] == clocks[1] and not weekends:
        raise InvalidInput("The quiet hours end when they begin.", "Write it like 22:00-07:00, or off.")
    begins, ends = (f"{clock:%H:%M}" for clock in clocks)
    return {"on": True, "from": begins, "to": ends, "weekends": weekends}


def _quiet_words(hours: dict[str, Any]) -> str:
    if not hours["on"]:
        return "Quiet hours are off."
    daily = f"{hours['from']} to {hours['to']}" if hours["from"] != hours["to"] else ""
    weekends = "Saturdays and Sundays" if hours["weekends"] else ""
    return f"Quiet: {' and '.join(filter(None, (daily, weekends)))}, by this computer's clock."
