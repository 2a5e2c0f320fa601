"""The sandbox's door: `python -m reply_desktop.sandbox --data-dir DIR`.

Exit codes: 0 told to end, 3 another sandbox runs in the folder.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from reply_desktop.files import write_private
from reply_desktop.sandbox.folder import LOCK_FILE, FolderLock, FolderTaken, make_private
from reply_desktop.sandbox.process import TAKEN


def utc_now() -> datetime:
    """This computer's time, in UTC."""
    return datetime.now(UTC)


def main(arguments: Sequence[str] | None = None, now: Callable[[], datetime] = utc_now) -> int:
    """Serve until SIGTERM, the control API's shutdown, or the parent's end; `now` is its clock, in UTC."""
    asked = _asked(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder: Path = asked.data_dir.absolute()
    os.umask(0o077)
    make_private(folder)
    lock = FolderLock(folder / LOCK_FILE)
    try:
        lock.hold()
    except FolderTaken as taken:
        sys.stderr.write(f"{taken}\n")
        return TAKEN
    # The lock is never given back: who finds it free may trust that this process is gone.
    asyncio.run(_serve(folder, asked, now))
    return 0


async def _serve(folder: Path, asked: argparse.Namespace, now: Callable[[], datetime]) -> None:
    from reply_desktop.sandbox.house import House
    from reply_desktop.sandbox.parent import watch

    def ready(description: str) -> None:
        if asked.ready_file:
            write_private(asked.ready_file, description)
        if asked.ready_fd is not None:
            _tell(asked.ready_fd, " ".join(description.split()) + "\n")

    def watch_parent(gone: Callable[[], None]) -> None:
        if asked.parent_pid:
            watch(asked.parent_pid, asyncio.get_running_loop(), gone)

    await House(folder, now).run(ready, watch_parent)


def _tell(handle: int, line: str) -> None:
    """Write the one line, and let go of the pipe so that its reader can close it."""
    os.write(handle, line.encode())
    if handle in (1, 2):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, handle)
        os.close(nothing)
    else:
        os.close(handle)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reply_desktop.sandbox", description=main.__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="the sandbox's own folder")
    parser.add_argument("--ready-fd", type=int, help="write sandbox.json as one line here when ready")
    parser.add_argument("--ready-file", type=Path, help="write sandbox.json there too when ready")
    parser.add_argument("--parent-pid", type=int, help="end when this process has ended")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
