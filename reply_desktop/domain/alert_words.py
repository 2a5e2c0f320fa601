"""The words of alerts that leave this computer: one message about any number of news, as text and as HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.notification import Notification, NotificationKind, plain
from reply_desktop.domain.notification_rules import TROUBLE
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import OutcomeKind

SCHEME: Final = "reply-desktop"
"""Links that begin so are opened by the app; its installer registers them."""
NAMED: Final = 20
"""News told in full in one message; more are counted."""
SEQUENCES: Final = 4
"""Sequences named for one of them."""
TEAM_LIMIT: Final = 1500
"""Characters of a text for a team channel: the least that well-known services show uncut."""

_SUBJECT: Final = 150
_ADDRESS: Final = 100
_NAME: Final = 60
_TEXT: Final = 400

_K = NotificationKind

_MANY: Final = MappingProxyType(
    {
        _K.APP_FAULT: "{} faults of app registrations or the vault",
        _K.ACCOUNT_LOST: "{} accounts cannot send",
        _K.DEADLINE_NEAR: "{} sign-ins end soon",
        _K.ALERT_UNSENT: "{} alerts could not be sent",
        _K.ACCOUNT_RECOVERED: "{} accounts work again",
        _K.APP_FAULT_OVER: "{} faults are over",
    }
)
"""Kind → how several of it are told in one line; the gravest come first."""

_HAPPENED: Final = frozenset({_K.ACCOUNT_LOST, _K.APP_FAULT})
"""Kinds whose trouble is there, and not only foreseen."""

_FOOT: Final = (
    "Reply Desktop sent you this because this address is set for alerts under Settings → Notifications. "
    f"Each trouble is mailed once. Links that begin with {SCHEME}: work on the computer where it runs."
)


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell: the notification, and what the words about it need of its account.

    `log`: (sequence id, name, id of the entry) of the logs that tell of it, by name. `standing`: ids of those
    sequences that have no account left to send from; None when that is not known. `since` is UTC.
    `cause`: why the account is out, where it is known; it decides whether Reconnect is offered.
    """

    notification: Notification
    address: str | None = None
    provider: Provider | None = None
    since: datetime | None = None
    log: tuple[tuple[str, str, int], ...] = ()
    standing: frozenset[str] | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class AlertText:
    """A message ready to be sent: `subject` is one line, `text` says all that `html` says."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Link:
    """What it opens, in words, and the link."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class _Item:
    """One news in plain words: what, the lines below it, the links, and the way without them."""

    title: str
    lines: tuple[str, ...]
    links: tuple[_Link, ...] = ()
    by_hand: str = ""
    is_trouble: bool = True


def headline(news: Iterable[News]) -> str:
    """All of it in one line of at most 150 characters: “ana@example.com cannot send”, “50 accounts cannot
    send”."""
    told = list(news)
    parts = []
    for kind, many in _MANY.items():
        of_kind = [one for one in told if one.notification.kind is kind]
        if of_kind:
            parts.append(_title(of_kind[0]) if len(of_kind) == 1 else many.format(len(of_kind)))
    return plain("; ".join(parts), _SUBJECT)


def email_text(news: Sequence[News], zone: tzinfo | None = None) -> AlertText:
    """One e-mail about all of these. With `zone` times are told by that wall clock too."""
    ordered = _ordered(news)
    items = [_item(one, zone) for one in ordered[:NAMED]]
    subject = headline(news)
    intro = f"{subject}." if len(items) > 1 else ""
    rest = len(ordered) - len(items)
    more = _rest_line(rest) if rest else ""
    return AlertText(subject, _as_text(items, intro, more), _as_html(items, subject, intro, more))


def trial_text() -> AlertText:
    """The e-mail of “Send a test”."""
    subject = "Test alert from Reply Desktop"
    lines = (
        "This is the test you asked for: alerts about your sending accounts come like this one.",
        "You can delete this message.",
    )
    item = _Item(subject, lines, is_trouble=False)
    return AlertText(subject, _as_text([item], "", ""), _as_html([item], subject, "", ""))


def team_text(news: Sequence[News], zone: tzinfo | None = None) -> tuple[str, str]:
    """(title, text) for a team channel: plain text, at most 1,500 characters."""
    ordered = _ordered(news)
    lines: list[str] = []
    left = TEAM_LIMIT - len(_rest_line(len(ordered))) - 1
    for one in ordered[:NAMED]:
        item = _item(one, zone)
        line = " ".join(item.lines)
        if len(ordered) > 1:
            line = f"• {item.title}: {line}"
        if len(line) + 1 > left:
            break
        lines.append(line)
        left -= len(line) + 1
    if rest := len(ordered) - len(lines):
        lines.append(_rest_line(rest))
    return headline(news), "\n".join(lines)


def _rest_line(rest: int) -> str:
    return f"… and {rest} more: open Reply Desktop, its bell lists them all."


def _ordered(news: Sequence[News]) -> list[News]:
    gravity = list(_MANY)
    return sorted(news, key=lambda one: gravity.index(one.notification.kind))


def _title(one: News) -> str:
    """The notification's title; a long address in it is cut so that what is wrong stays readable."""
    title = one.notification.title
    if one.address and len(one.address) > _ADDRESS:
        title = title.replace(one.address, plain(one.address, _ADDRESS))
    return plain(title, _SUBJECT)


def _item(one: News, zone: tzinfo | None) -> _Item:
    notice = one.notification
    is_trouble = notice.kind in TROUBLE
    lines = [plain(notice.text, _TEXT)]
    if notice.kind in _HAPPENED and one.since is not None:
        lines.append(f"Since {_moment(one.since, zone)}.")
    if is_trouble:
        lines += _sequences(one)
    links = (*_account_links(one), *_log_links(one))
    return _Item(_title(one), tuple(line for line in lines if line), links, _by_hand(one), is_trouble)


def _sequences(one: News) -> list[str]:
    """Which sequences the trouble touches, and how they fare."""
    if not one.log:
        return []
    if one.standing is None or one.notification.kind not in _HAPPENED:
        return [f"Sequences concerned: {_names(name for _, name, _ in one.log)}."]
    still = [name for sequence_id, name, _ in one.log if sequence_id in one.standing]
    going = [name for sequence_id, name, _ in one.log if sequence_id not in one.standing]
    lines = []
    if still:
        lines.append(f"Standing still, with no account left to send from: {_names(still)}.")
    if going:
        lines.append(f"Going on from other accounts: {_names(going)}.")
    return lines


def _names(names: Iterable[str]) -> str:
    quoted = [f"“{plain(name, _NAME)}”" for name in names]
    rest = len(quoted) - SEQUENCES
    return ", ".join(quoted[:SEQUENCES]) + (f" and {rest} more" if rest > 0 else "")


def _account_links(one: News) -> list[_Link]:
    account_id = one.notification.account_id
    if account_id is None:
        return []
    links = [_Link("Open the account", _url("account", account_id))]
    if _can_reconnect(one):
        links.insert(0, _Link("Reconnect", _url("reconnect", account_id)))
    return links


def _log_links(one: News) -> list[_Link]:
    return [
        _Link(f"Log of “{plain(name, _NAME)}”", _url("sequence", sequence_id, "log", entry))
        for sequence_id, name, entry in one.log[:SEQUENCES]
    ]


def _can_reconnect(one: News) -> bool:
    """Whether signing in again may help: not where somebody else must act first."""
    blocked = one.cause is not None and CAUSES[one.cause].kind is OutcomeKind.BLOCKED
    return one.notification.kind in TROUBLE and one.provider in SINGLE_CLICK and not blocked


def _by_hand(one: News) -> str:
    """The way to the same place without a link, which web mail takes out."""
    if one.notification.kind not in TROUBLE:
        return ""
    way = ["Reply Desktop"]
    if one.notification.kind is _K.APP_FAULT:
        way += ["Settings", "Providers" if one.provider else "General"]
    elif one.notification.kind is _K.ALERT_UNSENT:
        way += ["Settings", "Notifications"]
    else:
        way += ["Settings", "Email accounts", plain(one.address or "the account", _ADDRESS)]
        if _can_reconnect(one):
            way.append("Reconnect")
    log = " A sequence's log: Sequences → its name → Log." if one.log else ""
    return f"By hand: open {' → '.join(way)}.{log}"


def _url(*parts: object) -> str:
    return f"{SCHEME}://" + "/".join(quote(plain(str(part), 80), safe="") for part in parts)


def _moment(at: datetime, zone: tzinfo | None) -> str:
    """The moment in UTC and, where it differs, by the wall clock of that zone."""
    text = f"{at:%Y-%m-%d %H:%M} UTC"
    local = at.astimezone(zone) if zone is not None else at
    if not local.utcoffset():
        return text
    day = "" if local.date() == at.date() else f"{local:%Y-%m-%d} "
    return f"{text} ({day}{local:%H:%M} on your computer)"


def _as_text(items: Sequence[_Item], intro: str, more: str) -> str:
    blocks = [[intro]] if intro else []
    for item in items:
        links = [f"{link.words}: {link.url}" for link in item.links]
        blocks.append([item.title, *item.lines, *links, *([item.by_hand] if item.by_hand else [])])
    if more:
        blocks.append([more])
    blocks.append([_FOOT])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="color-scheme" content="light dark">'
    '<meta name="supported-color-schemes" content="light dark">'
    "<title>{title}</title></head>\n"
    "<body style=\"margin:0;padding:16px;font:15px/1.5 system-ui,'Segoe UI',Roboto,sans-serif;"
    'color-scheme:light dark">\n'
    '<div style="max-width:600px;margin:0 auto">\n{body}</div></body></html>\n'
)
_EDGES: Final = MappingProxyType({True: "#d1453b", False: "#2e9e5b"})
"""Whether it is trouble → the colour of its edge: readable on white and on black, and never alone."""


def _as_html(items: Sequence[_Item], subject: str, intro: str, more: str) -> str:
    """The same words as HTML: no colour but the edges', so that light and dark are the reader's."""
    body = [_paragraph(intro, "margin-bottom:16px;font-size:18px;font-weight:600")] if intro else []
    body += [_item_as_html(item) for item in items]
    if more:
        body.append(_paragraph(more))
    body.append(_paragraph(_FOOT, "font-size:12px;opacity:.75"))
    return _PAGE.format(title=escape(subject), body="".join(body))


def _item_as_html(item: _Item) -> str:
    edge = _EDGES[item.is_trouble]
    lines = [_paragraph(item.title, "font-weight:600"), *map(_paragraph, item.lines)]
    if item.links:
        links = " &nbsp; ".join(
            f'<a href="{escape(link.url)}" style="color:inherit">{escape(link.words)}</a>'
            for link in item.links
        )
        lines.append(f'<p style="margin:0 0 4px">{links}</p>\n')
    if item.by_hand:
        lines.append(_paragraph(item.by_hand, "font-size:13px;opacity:.85"))
    return (
        f'<div style="border-left:4px solid {edge};padding:0 0 0 12px;margin:0 0 20px">\n'
        f"{''.join(lines)}</div>\n"
    )


def _paragraph(words: str, style: str = "") -> str:
    look = f"margin:0 0 4px;{style}".rstrip(";")
    return f'<p style="{look};overflow-wrap:anywhere">{escape(words)}</p>\n'
