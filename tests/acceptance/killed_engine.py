"""An engine that kills itself, as with kill -9, at a chosen moment of storing a grant; run by test_kill.

python killed_engine.py DATA_DIR ACCOUNT before|uncommitted|committed check|reconnect
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.unit_of_work import SqliteUnitOfWork
from reply_desktop.channel.lock import EngineLock
from reply_desktop.config import Config
from reply_desktop.engine.build import build
from reply_desktop.sandbox import process
from reply_desktop.sandbox.person import Person


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(SqliteStore):
    """Dies around the first durable commit: the one that stores a rotated token or a new grant."""

    moment = ""

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[SqliteUnitOfWork]:
        if durable and self.moment == "before":
            die()
        with super().begin(durable=durable) as unit:
            commit = unit.commit

            def commit_and_die() -> None:
                if self.moment == "uncommitted":
                    die()
                commit()
                if self.moment == "committed":
                    die()

            if durable:
                unit.commit = commit_and_die  # type: ignore[method-assign]
            yield unit


def main(folder: str, address: str, moment: str, deed: str) -> None:
    config = Config(Path(folder), sandbox=True)
    stand_ins = process.running(config.sandbox_dir)
    assert stand_ins is not None
    config = replace(config, endpoints=stand_ins.endpoints())
    DyingStore.moment = moment
    with EngineLock(config.lock_file) as lock:
        lock.hold()
        parts = build(config, make_store=DyingStore)
        account = parts.accounts.find(address)
        if deed == "check":
            parts.health.check_now(account.id)
        else:
            Person().consent(parts.connect.begin(None, account, None).url, address)
    raise SystemExit("still alive")


if __name__ == "__main__":
    main(*sys.argv[1:])
