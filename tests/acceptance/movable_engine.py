"""The real engine with a sandbox of its own, both by a clock that a test can put forward.

python movable_engine.py DATA_DIR
"""

import logging
import sys
from pathlib import Path

from reply_desktop import logs
from reply_desktop.config import Config, Endpoints
from reply_desktop.engine import life
from reply_desktop.sandbox import process
from tests.acceptance.killed_teller import AheadClock


def main(folder: str) -> int:
    config = Config(Path(folder), sandbox=True)
    logs.set_up(config.logs_dir, "engine", logging.INFO)

    ahead = config.data_dir / "ahead"
    sandbox = [sys.executable, "-m", "tests.acceptance.movable_sandbox", str(ahead)]

    def endpoints() -> Endpoints:
        return process.start(config.sandbox_dir, command=sandbox).endpoints()

    return life.run(config, endpoints=endpoints, clock=AheadClock(ahead))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
