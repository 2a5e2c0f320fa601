"""Carries out the commands on notifications: the bell, what is told where, alert e-mail, team channels."""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from types import MappingProxyType
from typing import Any, Final

from reply_desktop.channel import messages as m
from reply_desktop.cli import notification_shapes as shapes
from reply_desktop.cli.console import MARKS, Console
from reply_desktop.cli.front import Front
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.announcement import Channel
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.notification import Severity, plain
from reply_desktop.domain.notification_rules import CHOICE_WORDS, CHOICES, RULES, wanted_channels
from reply_desktop.domain.preferences import (
    ALERT_CHOICES,
    EMAIL_CAP,
    EMAIL_TO,
    OF_ALERTS,
    OTHER_ACCOUNTS,
    QUIET,
    REMINDERS,
    TRAY_ALERTS,
    preferences,
)
from reply_desktop.domain.rows import AlertMailRow, NotificationRow

_PAGE: Final = 500
_OFF: Final = "off"
_NONE: Final = "none"
_SWITCHES: Final = MappingProxyType(
    {"desktop": TRAY_ALERTS, "reminders": REMINDERS, "other_accounts": OTHER_ACCOUNTS}
)
"""What holds for all news, and its setting."""
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
        known = {row.id for row in _bell(front, 0, unread=False)} if args.ids else set()
        if unknown := [one for one in args.ids if one not in known]:
            raise NotFound(
                f"There is no notification “{plain(unknown[0], 60)}”.",
                "Take its id from: reply-desktop notifications list --json",
            )
        front.ask(m.MarkRead(tuple(args.ids)))
        return 0

    def notifications_choices(self, front: Front, args: argparse.Namespace) -> int:
        """What is told where, after a change if one is wanted."""
        kept = _settings(front, *OF_ALERTS)
        said = {setting: getattr(args, switch) for switch, setting in _SWITCHES.items()}
        changed: dict[str, Any] = {setting: word == "on" for setting, word in said.items() if word}
        if args.news is not None:
            changed[ALERT_CHOICES] = kept[ALERT_CHOICES] | _wanted_choice(args.news, args.channels)
        if changed:
            _put(front, changed)
        wants = preferences(kept | changed)
        told = {news: wanted_channels(kinds[0], wants.chosen) for news, kinds in CHOICES.items()}
        switches = {
            "desktop": wants.tray,
            "reminders": wants.reminders,
            "other_accounts": wants.other_accounts,
        }
        if args.json:
            self._console.json(shapes.choices(told, switches))
            return 0
        for line in _choice_lines(told, switches):
            self._print(line)
        return 0

    def notifications_email(self, front: Front, args: argparse.Namespace) -> int:
        """Where alert e-mail goes and how much at most, after a change if one is wanted."""
        changed: dict[str, Any] = {}
        if args.to is not None:
            changed[EMAIL_TO] = "" if args.to == _OFF else parse_address(args.to)
        if args.cap is not None:
            changed[EMAIL_CAP] = args.cap
        if changed:
            _put(front, changed)
        self._show_mail(front.ask(m.GetAlertMail()), args.json)
        return 0

    def notifications_test_email(self, front: Front, args: argparse.Namespace) -> int:
        """A test e-mail."""
        self._say(front.ask(m.TestAlertMail()).text)
        return 0

    def notifications_relay_set(self, front: Front, args: argparse.Namespace) -> int:
        """The relay, taken after the engine has tried it."""
        if args.password_stdin and not args.user:
            raise InvalidInput("A password needs the name it belongs to.", "Give --user too.")
        server = MailServer(args.host, args.port, Security(args.security))
        password = self._secret("password") if args.password_stdin else None
        request = m.PutRelay(server, parse_address(args.sender), args.user, password)
        self._show_mail(front.ask(request), args.json)
        return 0

    def notifications_relay_clear(self, front: Front, args: argparse.Namespace) -> int:
        """No relay any more."""
        self._show_mail(front.ask(m.ClearRelay()), args.json)
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
        self._show_channels(front.ask(m.RemoveTeamChannel(args.name)), args.json)
        return 0

    def notifications_channel_test(self, front: Front, args: argparse.Namespace) -> int:
        """A test message to a team channel."""
        self._say(front.ask(m.TestTeamChannel(args.name)).text)
        return 0

    def notifications_quiet(self, front: Front, args: argparse.Namespace) -> int:
        """The quiet hours, after a change if one is wanted."""
        hours: dict[str, Any] = _settings(front, QUIET)[QUIET]
        if args.hours is None and args.weekends:
            raise InvalidInput(
                "--weekends needs the hours too.", "For weekends alone: 00:00-00:00 --weekends."
            )
        if args.hours is not None:
            hours |= _wanted_hours(args.hours, weekends=args.weekends)
            _put(front, {QUIET: hours})
        if args.json:
            self._console.json(shapes.quiet(hours))
        else:
            self._print(_quiet_words(hours))
        return 0

    def _switch(self, front: Front, args: argparse.Namespace, *, enabled: bool) -> int:
        self._show_channels(front.ask(m.SwitchTeamChannel(args.name, enabled)), args.json)
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


def _settings(front: Front, *names: str) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in front.ask(m.GetSettings(names)).values.items()}


def _put(front: Front, values: dict[str, Any]) -> None:
    front.ask(m.PutSettings({name: json.dumps(value) for name, value in values.items()}))


def _bell(front: Front, limit: int, *, unread: bool) -> list[NotificationRow]:
    kept: list[NotificationRow] = []
    before: datetime | None = None
    while True:
        page = front.ask(m.ListNotifications(_PAGE, before)).rows
        kept += [row for row in page if not (unread and row.read)]
        if len(page) < _PAGE or 0 < limit <= len(kept):
            return kept[:limit] if limit > 0 else kept
        before = page[-1].at


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
    waiting = f" {row.waiting} {'waits' if row.waiting == 1 else 'wait'} to be told." if row.waiting else ""
    more = ", the most you allow" if row.sent_today >= row.daily_cap else ""
    counts = f" {row.sent_today} of {row.daily_cap} sent in the last 24 hours{more}."
    if row.through is None:
        todo = (
            "check the relay" if row.relay else "give a relay: reply-desktop notifications relay set --help"
        )
        no_way = f"but nothing can send it now. Reconnect an account, or {todo}."
        return f"Alert e-mail goes to {row.to}, {no_way}{relay}{waiting}{counts}"
    trouble = f" {plain(row.trouble)}" if row.trouble else ""
    return f"Alert e-mail goes to {row.to}, through {row.through}.{relay}{waiting}{counts}{trouble}"


def _wanted_choice(news: str, words: list[str]) -> dict[str, list[str]]:
    """What changes in the setting. Raises InvalidInput."""
    if news not in CHOICES:
        raise InvalidInput(f"There is no news “{plain(news, 60)}”.", f"There is: {', '.join(CHOICES)}.")
    offered = RULES[CHOICES[news][0]].offered
    known = {word: channel for word, channel in shapes.CHANNELS.items() if channel in offered}
    use = f"Use {', '.join(known)}, or {_NONE} alone."
    if not words:
        raise InvalidInput(f"Where is “{news}” to be told?", use)
    wanted = [] if words == [_NONE] else words
    for word in wanted:
        if word not in shapes.CHANNELS:
            raise InvalidInput(f"“{plain(word, 60)}” is no channel.", use)
        if word not in known:
            raise InvalidInput(f"“{news}” is never told by {word}.", use)
    return {news: sorted({known[word].value for word in wanted})}


def _choice_lines(told: Mapping[str, frozenset[Channel]], switches: Mapping[str, bool]) -> Iterator[str]:
    """A table of what is told where, and how the switches stand."""
    first, second = max(map(len, CHOICES)), max(map(len, CHOICE_WORDS.values()))
    yield f"{'':{first}}  {'':{second}}  " + "  ".join(shapes.CHANNELS)
    for news, channels in told.items():
        offered = RULES[CHOICES[news][0]].offered
        cells = []
        for word, channel in shapes.CHANNELS.items():
            on = channel in channels and (switches["desktop"] or channel is not Channel.TRAY)
            cells.append(f"{('on' if on else _OFF) if channel in offered else '-':{len(word)}}")
        yield f"{news:{first}}  {CHOICE_WORDS[news].lower():{second}}  {'  '.join(cells)}".rstrip()
    said = (f"{name.replace('_', ' ')} {'on' if on else _OFF}" for name, on in switches.items())
    yield ", ".join(said).capitalize() + ". The bell tells everything."


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
        raise InvalidInput(f"“{plain(text, 60)}” is no span of hours.", "Write it like 22:00-07:00, or off.")
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
