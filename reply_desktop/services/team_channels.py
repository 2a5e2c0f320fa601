"""Team channels: places such as Slack or a webhook that hear of news, none until the person adds one."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from reply_desktop.domain import events
from reply_desktop.domain.alert_words import News
from reply_desktop.domain.announcement import team_channel
from reply_desktop.domain.errors import AlreadyExists, InvalidInput, NotFound, VaultUnavailable
from reply_desktop.domain.notification import Notification, plain
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.services.alert_ports import Handed, HandedState, TeamSender
from reply_desktop.services.bus import Bus
from reply_desktop.services.ports import Clock, Store, UnitOfWork, Vault

_log = logging.getLogger(__name__)

SETTING: Final = "notify.team"
"""A JSON list, one object a channel, in the order they were added."""
MOST: Final = 20
"""Most team channels."""
LONGEST_NAME: Final = 60
"""Most characters of a name."""

_KEY_GONE: Final = "Its address was sealed with a key that is gone: remove the channel and add it again."
_TEST_TITLE: Final = "Reply Desktop: test message"
_TEST_TEXT: Final = "This channel hears when a sending account can no longer send, and when it works again."


@dataclass(frozen=True, slots=True)
class _Kept:
    """A channel as it is stored; `sealed` is its address, sealed by the vault, as base64."""

    id: str
    name: str
    service: str
    address: str
    enabled: bool
    sealed: str
    trouble: str | None = None
    told_at: str | None = None

    @property
    def row(self) -> TeamChannelRow:
        told_at = datetime.fromisoformat(self.told_at) if self.told_at else None
        return TeamChannelRow(
            self.id, self.name, self.service, self.address, self.enabled, self.trouble, told_at
        )


class TeamChannels:
    """Messenger of `Channel.TEAM`, and what the person sets and asks about team channels.

    `words` gives title and text of one message about some news. `on_change`, set by the engine, is called
    when channels were added, switched or removed. Where a channel is named, its id or its name will do.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        bus: Bus,
        clock: Clock,
        sender: TeamSender,
        words: Callable[[Sequence[News]], tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._vault = vault
        self._bus = bus
        self._clock = clock
        self._sender = sender
        self._words = words
        self._new_id = new_id
        self._telling = threading.RLock()
        self.on_change: Callable[[], None] = lambda: None

    # As messenger

    def routes(self, channel: str, news: Sequence[Notification]) -> Sequence[str]:
        """The channel's own id, while it is switched on and the vault can be opened."""
        found = next((one for one in self._all() if team_channel(one.id) == channel and one.enabled), None)
        if found is None:
            return ()
        try:
            # Where the key is gone the handing over tells the person what is the matter.
            self._opened(found)
        except VaultUnavailable:
            return ()
        return (found.id,)

    def hand(self, channel: str, route: str, batch: str, news: Sequence[News]) -> Handed:
        """See alert_ports. The services know no mark, so `batch` stays here."""
        found = next((one for one in self._all() if one.id == route), None)
        if found is None:
            return Handed(HandedState.REFUSED, "This team channel was removed.")
        title, text = self._words(news)
        try:
            handed = self._post(found, title, text)
        except VaultUnavailable as error:
            handed = Handed(HandedState.REFUSED, str(error))
        return replace(handed, said=f"{found.name}: {handed.said}") if handed.said else handed

    def find(self, channel: str, route: str, batch: str, since: datetime) -> bool | None:
        """Nobody can tell: what was posted cannot be looked for."""
        return None

    # As the person sets and sees it

    def rows(self) -> list[TeamChannelRow]:
        """All team channels, in the order they were added."""
        return [one.row for one in self._all()]

    def enabled_ids(self) -> tuple[str, ...]:
        """Ids of those that are switched on."""
        return tuple(one.id for one in self._all() if one.enabled)

    def add(self, name: str, url: str) -> list[TeamChannelRow]:
        """Add a channel, switched on. Gives all rows.

        Raises InvalidInput for a name or address that cannot be used, AlreadyExists for one that is taken,
        VaultLocked and VaultUnavailable; then nothing was stored.
        """
        called = plain(name, LONGEST_NAME + 1)
        if not 1 <= len(called) <= LONGEST_NAME:
            raise InvalidInput(
                f"The name of a team channel has 1 to {LONGEST_NAME} characters.",
                "Call it after the place, for example #ops.",
            )
        kept = self._all()
        _refuse_taken(kept, called)
        stored, service, address = self._sender.examine(url)
        for one in kept:
            if self._opened(one) == stored:
                raise AlreadyExists(
                    f"“{one.name}” has this address already.", "One channel for each place is enough."
                )
        new_id = self._new_id()
        sealed = base64.b64encode(self._vault.seal(_owner(new_id), stored.encode())).decode()
        with self._store.begin(durable=True) as unit:
            now_kept = _read(unit)
            _refuse_taken(now_kept, called)
            _write(unit, [*now_kept, _Kept(new_id, called, service, address, True, sealed)])
            unit.commit()
        return self._changed()

    def switch(self, channel: str, enabled: bool) -> list[TeamChannelRow]:
        """Let a channel hear of news, or no more. Gives all rows. Raises NotFound."""
        with self._store.begin(durable=True) as unit:
            kept = _read(unit)
            found = _named(kept, channel)
            _write(unit, [replace(one, enabled=enabled) if one is found else one for one in kept])
            unit.commit()
        return self._changed()

    def remove(self, channel: str) -> list[TeamChannelRow]:
        """Forget a channel, its secret, and what still waits to be told there. Gives all rows.

        Raises NotFound.
        """
        with self._store.begin(durable=True) as unit:
            kept = _read(unit)
            found = _named(kept, channel)
            _write(unit, [one for one in kept if one is not found])
            unit.announcements.drop_channel(team_channel(found.id))
            unit.commit()
        return self._changed()

    def test(self, channel: str) -> str:
        """Send a test message now, switched on or not; one line about it for the person.

        Raises NotFound, VaultLocked, VaultUnavailable, and InvalidInput when it did not surely arrive.
        """
        found = _named(self._all(), channel)
        handed = self._post(found, _TEST_TITLE, _TEST_TEXT)
        if handed.state is HandedState.TOLD:
            return f"Sent to “{found.name}” ({found.service})."
        doubt = "may not have arrived" if handed.state is HandedState.IN_DOUBT else "did not arrive"
        raise InvalidInput(f"The test message to “{found.name}” {doubt}.", handed.said)

    def _post(self, found: _Kept, title: str, text: str) -> Handed:
        """Post to a channel and keep what became of it. Raises VaultLocked and VaultUnavailable."""
        url = self._opened(found)
        if url is None:
            handed = Handed(HandedState.REFUSED, _KEY_GONE)
        else:
            handed = self._sender.post(url, title, text)
        _log.info("Posting to team channel %s: %s", found.id, handed.state.value)
        self._note(found.id, handed)
        return handed

    def _note(self, channel_id: str, handed: Handed) -> None:
        told = handed.state is HandedState.TOLD
        trouble = None if told else plain(handed.said) or "The message did not arrive."
        with self._store.begin() as unit:
            noted = [
                replace(
                    one,
                    trouble=trouble,
                    told_at=self._clock.now().isoformat() if told else one.told_at,
                )
                if one.id == channel_id
                else one
                for one in _read(unit)
            ]
            _write(unit, noted)
            unit.commit()
        self._tell()

    def _opened(self, kept: _Kept) -> str | None:
        """The address, None when it was sealed under a key that is gone."""
        try:
            return self._vault.open(_owner(kept.id), base64.b64decode(kept.sealed)).decode()
        except InvalidInput:
            return None

    def _all(self) -> list[_Kept]:
        with self._store.read() as unit:
            return _read(unit)

    def _changed(self) -> list[TeamChannelRow]:
        self.on_change()
        return self._tell()

    def _tell(self) -> list[TeamChannelRow]:
        # Together, so that the last rows told are the newest.
        with self._telling:
            rows = self.rows()
            self._bus.publish([events.TeamChannelsChanged(tuple(rows))])
        return rows


def _owner(channel_id: str) -> str:
    """For whom the vault seals: what was sealed for one channel opens for no other."""
    return f"{SETTING}:{channel_id}"


def _read(unit: UnitOfWork) -> list[_Kept]:
    text = unit.settings.get(SETTING)
    return [_Kept(**fields) for fields in json.loads(text)] if text is not None else []


def _write(unit: UnitOfWork, kept: Sequence[_Kept]) -> None:
    if kept:
        unit.settings.put(SETTING, json.dumps([asdict(one) for one in kept]))
    else:
        unit.settings.remove(SETTING)


def _refuse_taken(kept: Sequence[_Kept], name: str) -> None:
    if any(one.name.casefold() == name.casefold() for one in kept):
        raise AlreadyExists(f"There is a team channel “{name}” already.", "Choose another name.")
    if len(kept) >= MOST:
        raise InvalidInput(f"There are {MOST} team channels, which is the most.", "Remove one first.")


def _named(kept: Sequence[_Kept], channel: str) -> _Kept:
    """The channel with this id, else with this name. Raises NotFound."""
    wanted = plain(channel, LONGEST_NAME + 1)
    for one in kept:
        if one.id == channel:
            return one
    for one in kept:
        if one.name.casefold() == wanted.casefold():
            return one
    raise NotFound(f"There is no team channel “{wanted}”.", "Look at the list of team channels.")
