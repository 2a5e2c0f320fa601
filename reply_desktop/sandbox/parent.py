"""Notice, without looking again and again, that another process has ended."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable


def watch(pid: int, loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    """Call `gone` in the loop when the process has ended; at once when it is not there."""
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            loop.call_soon(gone)
            return

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            gone()

        loop.add_reader(handle, ended)
        return

    def wait() -> None:
        _wait(pid)
        loop.call_soon_threadsafe(gone)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


if sys.platform == "win32":

    def _wait(pid: int) -> None:
        import ctypes

        kernel = ctypes.windll.kernel32
        process = kernel.OpenProcess(0x00100000, False, pid)
        if process:
            kernel.WaitForSingleObject(process, 0xFFFFFFFF)
            kernel.CloseHandle(process)

elif sys.platform == "darwin":

    def _wait(pid: int) -> None:
        import select

        queue = select.kqueue()
        event = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        try:
            queue.control([event], 1)
        except ProcessLookupError:
            return
        finally:
            queue.close()

else:

    def _wait(pid: int) -> None:
        import time

        # No event for it on the other systems.
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(2)
