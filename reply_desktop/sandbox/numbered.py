"""A list that grows: entries with rising ids, and waiting for the ones still to come."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class HasId(Protocol):
    """Anything with a rising id."""

    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=HasId)


class Numbered(Generic[T]):
    """The newest entries, at most `keep`. Belongs to one event loop: `add` and `wait` are called in it."""

    def __init__(self, keep: int, entries: Iterable[T] = ()) -> None:
        self._entries: deque[T] = deque(entries, maxlen=keep)
        self._last = self._entries[-1].id if self._entries else 0
        self._waiting: set[asyncio.Event] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last(self) -> int:
        """The newest id; 0 before the first entry."""
        return self._last

    def add(self, make: Callable[[int], T]) -> T:
        """Make the entry with the next id, and wake who waits."""
        self._last += 1
        entry = make(self._last)
        self._entries.append(entry)
        for event in self._waiting:
            event.set()
        return entry

    def get(self, entry_id: int) -> T | None:
        """The entry with this id, if it is still kept."""
        return next((each for each in self._entries if each.id == entry_id), None)

    def clear(self) -> None:
        """Forget the entries; ids go on rising."""
        self._entries.clear()

    def after(self, entry_id: int, fits: Callable[[T], bool]) -> list[T]:
        """Entries above this id that fit, oldest first."""
        return [each for each in self._entries if each.id > entry_id and fits(each)]

    async def wait(self, entry_id: int, fits: Callable[[T], bool], count: int, wait_s: float) -> list[T]:
        """As `after`, once there are `count` or after `wait_s`, whatever comes first."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(wait_s):
                while len(found := self.after(entry_id, fits)) < count:
                    event.clear()
                    await event.wait()
                return found
        except TimeoutError:
            return self.after(entry_id, fits)
        finally:
            self._waiting.discard(event)
