"""Kills a sending engine at random moments, again and again, and counts what reached the recipients.

python -m tests.acceptance.crash_campaign --kills 500 --touches 1600

The engine is the real one, in its own process, sending over TLS to a real SMTP server that lives here and
writes down every message it takes. After each kill a new engine is started on the same folder. Now and then
a person looks at what is in doubt and says what the recipient's mailbox says; the engine never does.
"""

import argparse
import asyncio
import logging
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from reply_desktop.channel import messages as m
from reply_desktop.channel.client import Client
from reply_desktop.channel.launch import stop_running
from reply_desktop.config import Config
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.errors import EngineUnavailable, ReplyDesktopError
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter
from reply_desktop.domain.window import SendingWindow
from tests.fakes.clock import START
from tests.harness.mail_servers import Authority, Mailbox, smtp_server
from tests.harness.waiting import wait_until

STEPS = 2
ACCOUNTS = ("ana@own.example", "ben@own.example")
"""Two, so that a kill costs about two messages and the run does not end before its kills."""
PASSWORD = "correct horse"
PERSON_LOOKS = 10
"""After so many kills the person looks at what is in doubt."""


class Sink(Mailbox):
    """Takes every message, slowly enough to be killed meanwhile, and remembers it for good."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__("", PASSWORD)
        self._chance = chance
        self.got: Counter[tuple[str, int]] = Counter()
        self.slow_s = 0.03

    def let_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> Any:
        self.user = data.login
        return super().let_in(server, session, envelope, mechanism, data)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self._chance.uniform(0, self.slow_s))
        assert isinstance(envelope.content, bytes)
        step = re.search(rb"This is step (\d+)\.", envelope.content)
        assert step is not None, envelope.content
        self.got[str(envelope.rcpt_tos[0]), int(step[1])] += 1
        # The recipient has it; the engine may never hear so.
        await asyncio.sleep(self._chance.uniform(0, self.slow_s))
        return self.answer


@dataclass(frozen=True)
class Verdict:
    """What a campaign came to. `in_doubt`: messages nobody could tell of, over all kills."""

    touches: int
    kills: int
    sent: int
    in_doubt: int
    unseen: int
    lost: int
    twice: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.twice or self.unseen) and self.sent == self.touches

    def __str__(self) -> str:
        return (
            f"touches {self.touches}, kills {self.kills}, sent {self.sent}, in doubt {self.in_doubt}, "
            f"in doubt but not shown {self.unseen}, lost {self.lost}, twice {self.twice}, "
            f"{self.seconds:.0f} s"
        )


class Campaign:
    """One run from an empty folder to the last message."""

    def __init__(self, folder: Path, kills: int, touches: int, seed: int) -> None:
        self._config = Config(folder / "data")
        self._kills = kills
        self._prospects = [f"p{number}@there.example" for number in range(touches // STEPS)]
        self._chance = random.Random(seed)
        self._sink = Sink(self._chance)
        self._authority = Authority()
        ca_file = folder / "ca.pem"
        self._authority.ca.cert_pem.write_to_path(str(ca_file))
        passphrase = folder / "passphrase"
        passphrase.write_text("a passphrase of some length")
        passphrase.chmod(0o600)
        self._csv = folder / "prospects.csv"
        self._csv.write_text("email\n" + "\n".join(self._prospects) + "\n")
        self._env = {
            **os.environ,
            "REQUESTS_CA_BUNDLE": str(ca_file),
            "REPLY_DESKTOP_PASSPHRASE_FILE": str(passphrase),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self._in_doubt = 0
        self._unseen = 0

    def run(self) -> Verdict:
        """Kill, start again, and at the end let everything be sent."""
        began = time.monotonic()
        with self._serving() as server:
            engine = self._start()
            with self._client() as client:
                sequence_id = self._set_up(client, MailServers(server))
            done = 0
            for done in range(1, self._kills + 1):
                self._kill(engine)
                engine = self._start()
                if done % PERSON_LOOKS == 0:
                    with self._client() as client:
                        self._settle_doubts(client, sequence_id)
                        if client.ask(m.GetSequence(sequence_id)).row.status is SequenceStatus.FINISHED:
                            break
            self._finish(sequence_id)
            stop_running(self._config)
            engine.wait(30)
        wanted = {(email, step) for email in self._prospects for step in range(1, STEPS + 1)}
        return Verdict(
            len(wanted),
            done,
            len(wanted & self._sink.got.keys()),
            self._in_doubt,
            self._unseen,
            len(wanted - self._sink.got.keys()),
            sum(count - 1 for count in self._sink.got.values()),
            time.monotonic() - began,
        )

    def close(self) -> None:
        """Leave no engine behind, whatever happened."""
        stop_running(self._config)

    def run_once(self) -> Verdict:
        """No kill: what is due is sent by an engine that ends by itself."""
        began = time.monotonic()
        with self._serving() as server:
            engine = self._start()
            with self._client() as client:
                client.ask(m.PauseSending(True))
                self._set_up(client, MailServers(server))
                client.ask(m.PauseSending(False))
                stop_running(self._config)
            engine.wait(30)
            before = self._sink.got.total()
            once = self._start("--once")
            assert once.wait(120) == 0
        wanted = {(email, step) for email in self._prospects for step in range(1, STEPS + 1)}
        return Verdict(
            len(wanted),
            0,
            self._sink.got.total() - before,
            0,
            0,
            len(wanted - self._sink.got.keys()),
            sum(count - 1 for count in self._sink.got.values()),
            time.monotonic() - began,
        )

    @contextmanager
    def _serving(self) -> Iterator[MailServer]:
        """The sink's server. That engines leave without a word, killed or not, is no news of asyncio's."""
        logger = logging.getLogger("asyncio")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with smtp_server(self._authority, self._sink, Security.STARTTLS) as server:
                yield server
        finally:
            logger.setLevel(level)

    def _start(self, *argv: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "reply_desktop",
                "--data-dir",
                str(self._config.data_dir),
                "worker",
                *argv,
            ],
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _client(self) -> "_Connected":
        return _Connected(self._config)

    def _set_up(self, client: Client, servers: MailServers) -> str:
        rows = [client.ask(m.AddOther(address, servers, PASSWORD)) for address in ACCOUNTS]
        accounts = tuple(row.id for row in rows)
        client.ask(m.SetDailyLimit(accounts, 10_000))
        plan = MailSequence(
            "",
            "Campaign",
            START,
            accounts=accounts,
            steps=tuple(
                Step("", number, 0.0, "Hello" if number == 1 else "", f"This is step {number}.")
                for number in range(1, STEPS + 1)
            ),
            window=SendingWindow((1, 2, 3, 4, 5, 6, 7), closes=_MIDNIGHT, opens=_MIDNIGHT),
            gap_s=(0.0, 0.0),
        )
        sequence_id = client.ask(m.SaveSequence(plan)).row.id
        client.ask(m.ImportProspects(sequence_id, str(self._csv)))
        wait_until(
            lambda: client.ask(m.GetSequence(sequence_id)).row.prospects == len(self._prospects),
            "all prospects imported",
            60,
        )
        client.ask(m.LaunchSequence(sequence_id, now=True))
        return sequence_id

    def _kill(self, engine: "subprocess.Popen[bytes]") -> None:
        """At a random moment: mostly while it sends, sometimes while it starts."""
        if self._chance.random() < 0.1:
            time.sleep(self._chance.uniform(0.0, 1.0))
        else:
            before = self._sink.got.total()
            with_luck = time.monotonic() + 6
            while self._sink.got.total() == before and time.monotonic() < with_luck:
                time.sleep(0.002)
            time.sleep(self._chance.uniform(0.0, 3 * self._sink.slow_s))
        engine.kill()
        engine.wait()

    def _settle_doubts(self, client: Client, sequence_id: str) -> None:
        """The person looks into the mailboxes of the recipients and says what is there."""
        shown = self._doubts(client, sequence_id)
        self._in_doubt += len(shown)
        for was_sent in (True, False):
            ids = tuple(one for one, email, step in shown if (self._sink.got[email, step] > 0) is was_sent)
            if ids:
                client.ask(m.SettleDoubt(ids, was_sent))

    def _doubts(self, client: Client, sequence_id: str) -> list[tuple[str, str, int]]:
        """(enrollment, address, step) of all that are shown as in doubt, each with its entry in the log."""
        index = client.ask(m.ListProspects(ProspectFilter(sequence_id, states=(EnrollmentState.IN_DOUBT,))))
        rows = client.ask(m.GetProspects(index.ids)).rows
        told = client.ask(m.ListLog(LogFilter(sequence_id, (LogKind.IN_DOUBT,)), limit=100_000)).entries
        keys = {entry.key for entry in told if entry.account in ACCOUNTS}
        self._unseen += sum(row.touch_in_doubt not in keys for row in rows)
        self._unseen += client.ask(m.GetSequence(sequence_id)).row.in_doubt != len(rows)
        return [(row.id, row.email, row.done + 1) for row in rows]

    def _finish(self, sequence_id: str) -> None:
        self._sink.slow_s = 0.0
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with self._client() as client:
                row = client.ask(m.GetSequence(sequence_id)).row
                if row.status is SequenceStatus.FINISHED:
                    return
                if row.waiting + row.active == 0 and row.in_doubt:
                    self._settle_doubts(client, sequence_id)
            time.sleep(0.1)
        raise AssertionError(f"the sequence did not finish: {row}")


class _Connected:
    """A client of the engine, which is waited for; closed at the end."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __enter__(self) -> Client:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._client = Client(self._config, timeout_s=30)
            except EngineUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()


_MIDNIGHT = SendingWindow().opens.replace(hour=0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign and print its verdict; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="crash_campaign", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--touches", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="crash-campaign-") as folder:
        campaign = Campaign(Path(folder), given.kills, given.touches, given.seed)
        try:
            verdict = campaign.run()
        except ReplyDesktopError as error:
            print(error, file=sys.stderr)
            return 2
        finally:
            campaign.close()
    print(verdict)
    return 0 if verdict.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
