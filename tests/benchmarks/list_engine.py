"""An engine process for the window's benchmarks: many canned accounts behind the real channel.

Run as: python -m tests.benchmarks.list_engine DATA_DIR COUNT
"""

import sys
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from reply_desktop import __version__
from reply_desktop.channel.lock import EngineLock
from reply_desktop.channel.messages import AccountIndex, CheckAccounts, ListAccounts, Welcome
from reply_desktop.channel.server import Server
from reply_desktop.config import PROTOCOL_VERSION, Config
from reply_desktop.domain.rows import AccountFilter
from reply_desktop.files import write_private
from tests.fakes.engine import FakeEngine, many


def main(data_dir: Path, count: int) -> None:
    """Serve until standard input closes."""
    config = Config(data_dir)
    engine = FakeEngine(many(count, datetime.now(UTC)), now=datetime.now(UTC))
    index = cache(engine.index)
    index(AccountFilter())

    def handle(request: Any) -> Any:
        if isinstance(request, ListAccounts):
            return AccountIndex(index(request.wanted))
        if isinstance(request, CheckAccounts):
            threading.Thread(target=sweep, daemon=True).start()
        return engine._answer(request)

    def sweep() -> None:
        """Every account changes once, as after a check of all."""
        for row in engine.rows.values():
            server.publish_row(row)

    key = bytes(32)
    with EngineLock(config.lock_file) as lock:
        lock.hold()
        write_private(config.key_file, key.hex())
        welcome = Welcome(__version__, PROTOCOL_VERSION, 0, engine.now, str(data_dir), False)
        server = Server(config.channel_address, key, handle, welcome)
        server.start()
        print("ready", flush=True)
        sys.stdin.read()
        server.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
