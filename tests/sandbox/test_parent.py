"""Noticing the end of another process."""

import asyncio
import subprocess
import sys

from reply_desktop.sandbox.parent import watch


def test_the_end_is_noticed_and_not_before() -> None:
    async def scenario() -> None:
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        gone = asyncio.Event()
        watch(other.pid, asyncio.get_running_loop(), gone.set)
        await asyncio.sleep(0)
        assert not gone.is_set()
        other.communicate(b"\n")
        await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(scenario())


def test_one_that_is_not_there_is_gone() -> None:
    async def scenario() -> None:
        other = subprocess.Popen([sys.executable, "-c", ""])
        other.wait()
        gone = asyncio.Event()
        watch(other.pid, asyncio.get_running_loop(), gone.set)
        await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(scenario())
