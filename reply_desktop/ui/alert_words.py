"""How an alert is worded: one account by its name, several as a number with the first few names."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.notification import NotificationKind, Severity, plain
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.ui import words

NAMED: Final = 3
"""How many accounts or titles one alert names."""
_NAME_LENGTH: Final = 72
_ENDINGS: Final = MappingProxyType(
    {NotificationKind.ACCOUNT_LOST: "cannot send", NotificationKind.ACCOUNT_RECOVERED: "works again"}
)
"""What a title says after the account's address."""


def worded(
    news: Sequence[NotificationRow], addresses: Mapping[str, str], *, still: bool = False
) -> tuple[str, str]:
    """(title, text) of an alert about this news, which is either all good or all bad.

    `addresses`: account id → address, as far as they are known. `still`: it was told before.
    """
    if len(news) == 1:
        return _title(news[0], still), news[0].text
    accounts = {row.account_id for row in news if row.account_id is not None}
    if len(accounts) > 1 and all(row.account_id for row in news) and accounts & addresses.keys():
        return _accounts(news, addresses, len(accounts), " still" if still else "")
    titles = [_title(row, False) for row in news]
    rest = len(titles) - NAMED
    text = "; ".join(titles[:NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
    if _is_good(news):
        return "Working again", text
    return f"{len(news):,} problems {'still ' if still else ''}need you", text


def _accounts(
    news: Sequence[NotificationRow], addresses: Mapping[str, str], number: int, still: str
) -> tuple[str, str]:
    if _is_good(news):
        return f"{number:,} accounts work again", f"{_named(news, addresses)}."
    lost = [row for row in news if row.kind is not NotificationKind.DEADLINE_NEAR]
    near = [row for row in news if row.kind is NotificationKind.DEADLINE_NEAR]
    if not lost:
        return f"{number:,} sign-ins{still} end soon", f"{_named(near, addresses)} need you before that."
    text = f"{_named(lost, addresses)} cannot send"
    if near:
        text += f"; {'sign-ins end' if len(near) > 1 else 'sign-in ends'} soon: {_named(near, addresses)}"
    return f"{number:,} accounts{still} need you", f"{text}."


def _named(news: Iterable[NotificationRow], addresses: Mapping[str, str]) -> str:
    ids = list(dict.fromkeys(row.account_id for row in news if row.account_id))
    known = [addresses[one] for one in ids if one in addresses]
    return words.few(known, len(ids), shown=NAMED)


def _title(row: NotificationRow, still: bool) -> str:
    """The news' own title; an address too long for a title is cut, and not what is the matter with it."""
    ending = _ENDINGS.get(row.kind)
    if ending is None or not row.title.endswith((ending, "…")):
        return f"Still: {row.title}" if still else row.title
    name = row.title.removesuffix(ending).rstrip()
    return f"{plain(name, _NAME_LENGTH)} {'still ' if still else ''}{ending}"


def _is_good(news: Iterable[NotificationRow]) -> bool:
    return all(row.severity is Severity.INFO for row in news)
