"""Growing lists: ids rise, old entries go, and waiting ends with what it waited for."""

import asyncio
from dataclasses import dataclass

from reply_desktop.sandbox.numbered import Numbered


@dataclass(frozen=True)
class Entry:
    id: int
    word: str = ""


def every(_: Entry) -> bool:
    return True


def test_ids_rise_and_old_entries_go() -> None:
    entries: Numbered[Entry] = Numbered(2)
    for _ in range(3):
        entries.add(Entry)
    assert [each.id for each in entries.after(0, every)] == [2, 3]
    assert (entries.last, len(entries), entries.get(1), entries.get(3)) == (3, 2, None, Entry(3))
    entries.clear()
    assert entries.add(Entry).id == 4


def test_ids_go_on_after_a_restart() -> None:
    assert Numbered(5, [Entry(7)]).add(Entry).id == 8


def test_waiting_ends_with_the_last_of_what_was_asked() -> None:
    async def scenario() -> list[Entry]:
        entries: Numbered[Entry] = Numbered(9)
        waiting = asyncio.create_task(entries.wait(0, lambda each: each.word == "wanted", 2, 30))
        await asyncio.sleep(0)
        entries.add(lambda number: Entry(number, "wanted"))
        entries.add(lambda number: Entry(number, "other"))
        await asyncio.sleep(0)
        assert not waiting.done()
        entries.add(lambda number: Entry(number, "wanted"))
        return await waiting

    assert [each.id for each in asyncio.run(scenario())] == [1, 3]


def test_waiting_in_vain_gives_what_there_is() -> None:
    async def scenario() -> list[Entry]:
        entries: Numbered[Entry] = Numbered(9)
        entries.add(Entry)
        return await entries.wait(0, every, 2, 0.01)

    assert asyncio.run(scenario()) == [Entry(1)]
