"""An engine process with canned answers: `python engine_stub.py [--version V] [--fail TEXT] … --data-dir D`."""

import argparse
import os
import resource
import secrets
import signal
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reply_desktop import __version__
from reply_desktop.channel import messages as m
from reply_desktop.channel.lock import EngineLock
from reply_desktop.channel.server import Server
from reply_desktop.config import PROTOCOL_VERSION, Config
from reply_desktop.domain.errors import EngineUnavailable, NotFound
from reply_desktop.files import write_private
from tests.fakes.engine import row


class Answers:
    """`GetAccount` fails by what is asked for; `NetworkHint("rows N")` publishes N rows over all accounts."""

    def __init__(self, stopped: threading.Event, ids: int) -> None:
        self.server: Server | None = None
        self._stopped = stopped
        self._index = m.AccountIndex(tuple(f"{number:032x}" for number in range(ids)))
        self._rows = [row(number, f"a{number}@x.example") for number in range(min(max(ids, 100), 10_000))]

    def __call__(self, request: object) -> object:
        match request:
            case m.ListAccounts():
                return self._index
            case m.GetAccounts():
                return m.AccountRows(tuple(self._rows[: len(request.ids)]))
            case m.GetAccount(account="broken"):
                raise ValueError("hunter2 is a password")
            case m.GetAccount(account="slow"):
                self._stopped.wait(30)
                return m.Done()
            case m.GetAccount():
                raise NotFound(f"There is no account {request.account}.", "Look again.")
            case m.GetSettings():
                return m.SettingValues({"kib": str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)})
            case m.NetworkHint():
                assert self.server is not None
                for number in range(int(request.what.split()[-1])):
                    changed = self._rows[number % len(self._rows)]
                    self.server.publish_row(replace(changed, sent_today=number))
                return m.Done()
            case m.Shutdown():
                self._stopped.set()
                return m.Done()
            case _:
                return m.Done()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--version", default=__version__)
    parser.add_argument("--fail")
    parser.add_argument("--ids", type=int, default=10)
    parser.add_argument("--deaf", action="store_true", help="does not end when told to")
    args = parser.parse_args()
    if args.fail:
        sys.stderr.write(f"Traceback\n{args.fail}\n")
        return 3
    config = Config(args.data_dir)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with EngineLock(config.lock_file) as lock:
        try:
            lock.hold()
        except EngineUnavailable:
            return 0
        with (config.data_dir / "engines.txt").open("a") as file:
            file.write(f"{os.getpid()} {args.version}\n")
        key = secrets.token_bytes(32)
        write_private(config.key_file, key.hex())
        welcome = m.Welcome(
            args.version, PROTOCOL_VERSION, os.getpid(), datetime.now(UTC), str(config.data_dir), False
        )
        answers = Answers(threading.Event() if args.deaf else stopped, args.ids)
        server = Server(config.channel_address, key, answers, welcome)
        answers.server = server
        server.start()
        stopped.wait()
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
