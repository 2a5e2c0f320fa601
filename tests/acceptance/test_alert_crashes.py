"""Killed in the middle of every step of telling: afterwards nothing was told twice, and nothing goes untold.

A real engine dies as by kill -9 at each moment below, and another one goes on with its folder. Meanwhile Ana's
access is lost; two sequences use her account; the news goes to bell, log, desktop, e-mail and a team channel.

| killed …                                             | afterwards                                           |
|------------------------------------------------------|------------------------------------------------------|
| before the loss is committed                         | the next check finds it; told everywhere, once       |
| after that commit, before anybody is told            | told everywhere, once                                |
| after windows were told, before one took it          | given out to the next window, once                   |
| as a window takes it, before that is committed       | given out to the next window, once                   |
| … after that is committed                            | not given out again; the reminder tells              |
| before a message is noted as being handed over       | handed over, once                                    |
| after that, before the other side has it             | looked for: surely not there, it goes under its mark |
| … by a way that cannot be looked into                | not sent; in doubt, and the bell says so             |
| … and the trouble is over before anybody looked      | not sent, as there is nothing to tell any more       |
| … and the mailbox cannot be asked just then          | looked for later; sent once                          |
| after the other side took it, before that is noted   | found among the sent ones: not sent again            |
| … by a way that cannot be looked into                | not sent again; in doubt, and the bell says so       |
| after that is noted                                  | not sent again                                       |
| before the bell says that e-mail waits, or after     | the bell says it once; sent by a relay once there is |
| as a reminder is written, before the commit or after | reminded once                                        |
| as the mending is written, before the commit         | still told as lost; mended, that is told once        |
| … after the commit                                   | withdrawn, and that it works again is told once      |
| between an address for alerts and the noting of      | what lasts is mailed there, once                     |
|   what lasts, before the commit or after             |                                                      |
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reply_desktop.adapters.key_file import write_key
from reply_desktop.adapters.sealing import new_key
from reply_desktop.adapters.vault import PASSPHRASE_FILE
from reply_desktop.channel import messages as m
from reply_desktop.domain.announcement import AnnouncementState
from reply_desktop.domain.events import VaultChanged
from reply_desktop.domain.grant import MailServer, Security
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.notification import NotificationKind
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import NotificationRow
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence import SequenceStatus, Step
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.domain.states import CAN_SEND
from reply_desktop.sandbox import process
from reply_desktop.sandbox.control import Control
from reply_desktop.sandbox.seed import ALERTS_TO
from tests.acceptance.killed_teller import ANA, MERGED_S, Teller
from tests.harness.waiting import wait_until
from tests.harness.web import WebServer, said

pytestmark = pytest.mark.slow

BEN, GINA = "ben@harbor.example", "gina@lantern.example"
PASSPHRASE = "a passphrase of some length"
PASSES_S = 5.0
"""How much later it is at each look, in seconds."""
SEQUENCES = ("Alone", "Spring")

LOSE = ("lose",)
CLAIM = (*LOSE, "claim")
CARRY = (*CLAIM, "carry")
REMIND = (*CARRY, "remind")
MEND = (*CARRY, "mend")
ADDRESS = (*CLAIM, "address")


@dataclass(frozen=True)
class Scene:
    """What there is besides Ana's account. `ben`: another account, which may be read or not."""

    name: str
    ben: bool = True
    reading: bool = True
    relay: bool = False
    address: bool = True
    team: bool = True


READABLE = Scene("readable")
UNREADABLE = Scene("unreadable", reading=False)
RELAY = Scene("relay", ben=False, relay=True)
ALONE = Scene("alone", ben=False)
NO_ADDRESS = Scene("no address", address=False)
NO_TEAM = Scene("no team", team=False)


@dataclass(frozen=True)
class Moment:
    """When the engine dies, and what has been told in the end.

    `deeds`: what it was told to do, in order; `when` and `step`: see killed_teller. `then`: what is first
    after that. `mails`, `posts`: messages that arrived in all, about the loss and its end.
    `in_doubt`: channels of which the bell says that it may not have arrived. `taken`: a window of the dead
    engine took the alert for itself.
    """

    said: str
    deeds: tuple[str, ...]
    when: str
    step: str
    scene: Scene = READABLE
    then: str = ""
    mails: int = 1
    posts: int = 1
    in_doubt: frozenset[str] = frozenset()
    taken: bool = True


EMAIL, TEAM = frozenset({"email"}), frozenset({"team"})

MOMENTS = (
    Moment("before the loss is committed", LOSE, "before", "account_lost", taken=False),
    Moment("after the loss is committed", LOSE, "after", "account_lost", taken=False),
    Moment("after windows were told", (*LOSE, "push"), "after", "AlertsDue", taken=False),
    Moment("before the taking is committed", CLAIM, "before", "tray told", taken=False),
    Moment("after the taking is committed", CLAIM, "after", "tray told"),
    Moment("before the e-mail is noted as being handed over", CARRY, "before", "email telling"),
    Moment("before the provider has the e-mail", CARRY, "after", "email telling"),
    Moment(
        "before the provider has the e-mail, and it cannot be asked",
        CARRY, "after", "email telling", UNREADABLE, mails=0, in_doubt=EMAIL,
    ),
    Moment(
        "before the provider has the e-mail, and the trouble ends",
        CARRY, "after", "email telling", NO_TEAM, then="mend", mails=0, posts=0,
    ),
    Moment(
        "before the provider has the e-mail, and it is away",
        CARRY, "after", "email telling", then="find_away",
    ),
    Moment("after the provider took the e-mail", CARRY, "before", "email told"),
    Moment(
        "after the provider took the e-mail, and the vault is locked",
        CARRY, "before", "email told", then="find_locked",
    ),
    Moment(
        "after the provider took the e-mail, and it cannot be asked",
        CARRY, "before", "email told", UNREADABLE, in_doubt=EMAIL,
    ),
    Moment("after the e-mail is noted as told", CARRY, "after", "email told"),
    Moment(
        "before the relay has the e-mail",
        CARRY, "after", "email telling", RELAY, mails=0, in_doubt=EMAIL,
    ),
    Moment("after the relay took the e-mail", CARRY, "before", "email told", RELAY, in_doubt=EMAIL),
    Moment("after the relay's e-mail is noted as told", CARRY, "after", "email told", RELAY),
    Moment("before the post is noted as being handed over", CARRY, "before", "team telling"),
    Moment("before the team has the post", CARRY, "after", "team telling", posts=0, in_doubt=TEAM),
    Moment("after the team took the post", CARRY, "before", "team told", in_doubt=TEAM),
    Moment("after the post is noted as told", CARRY, "after", "team told"),
    Moment("before the bell says that e-mail waits", CARRY, "before", "alert_unsent", ALONE),
    Moment("after the bell says that e-mail waits", CARRY, "after", "alert_unsent", ALONE),
    Moment("before the reminder is committed", REMIND, "before", "remind"),
    Moment("after the reminder is committed", REMIND, "after", "remind"),
    Moment("before the mending is committed", MEND, "before", "withdraw", posts=2),
    Moment("after the mending is committed", MEND, "after", "withdraw", posts=2),
    Moment("before what lasts is noted for a new address", ADDRESS, "before", "email waiting", NO_ADDRESS),
    Moment("after what lasts is noted for a new address", ADDRESS, "after", "email waiting", NO_ADDRESS),
)  # fmt: skip


@dataclass
class Town:
    """One sandbox and one webhook for all these engines, and a folder of each scene to copy."""

    folder: Path
    stand_ins: process.Sandbox
    webhook: WebServer
    scenes: dict[str, Path] = field(default_factory=dict)

    def enter(self, scene: Scene, folder: Path) -> None:
        """A folder in which everything is well, though Ana's access is gone at her provider."""
        if scene.name not in self.scenes:
            self.scenes[scene.name] = self._make(scene)
        shutil.copytree(self.scenes[scene.name], folder)

    def open(self, folder: Path) -> "closing[OpenTeller]":
        """An engine on this folder."""
        return closing(OpenTeller(folder, self.stand_ins))

    def relay(self) -> m.PutRelay:
        """A mail server of the person's choice."""
        server = MailServer(self.stand_ins.smtp_host, self.stand_ins.smtp_port, Security.STARTTLS)
        return m.PutRelay(server, GINA, GINA, self.stand_ins.control().password(GINA))

    def arrived(self) -> "Arrived":
        """Starts counting what arrives."""
        return Arrived(self)

    def _make(self, scene: Scene) -> Path:
        folder = self.folder / scene.name
        folder.mkdir(mode=0o700)
        # A cheap one: it is opened by each of these engines.
        write_key(folder / "vault.key", new_key(), PASSPHRASE, n=1 << 10)
        with self.open(folder) as teller:
            teller.ask(m.SetGoogle(Path(self.stand_ins.google_client_file).read_text()))
            teller.sign_in(ANA)
            if scene.ben:
                teller.sign_in(BEN, reading=scene.reading)
            with teller.parts.store.begin() as unit:
                ids = tuple(unit.accounts.ids())
                ana = teller.account(ANA).id
                for name, accounts in zip(SEQUENCES, ((ana,), ids), strict=True):
                    unit.sequences.add(sequence(name, accounts, teller))
                unit.commit()
            if scene.team:
                teller.ask(m.AddTeamChannel("#ops", f"json://127.0.0.1:{self.webhook.port}/ops"))
            if scene.address:
                teller.address()
            if scene.relay:
                teller.ask(self.relay())
        self.stand_ins.control().apply(Control.REMOVE_ACCESS, ANA)
        return folder


class OpenTeller(Teller):
    """A Teller that can be closed, and looked into."""

    def __init__(self, folder: Path, stand_ins: process.Sandbox) -> None:
        super().__init__(folder, stand_ins)
        self.control = stand_ins.control()

    def close(self) -> None:
        self.parts.close()

    def bell(self, *kinds: NotificationKind) -> list[NotificationRow]:
        """The bell's entries of these kinds, oldest first."""
        rows = self.ask(m.ListNotifications(1000)).rows
        return [row for row in reversed(rows) if row.kind in kinds]

    def says_in_doubt(self) -> set[str]:
        """Kinds of channels of which the bell says that a message may not have arrived."""
        rows = self.bell(NotificationKind.ALERT_UNSENT)
        found = [row.key.partition(":")[0] for row in rows if ":doubt:" in row.key]
        assert len(found) == len(set(found)), "the bell says it twice"
        return set(found)

    def says_unsent(self) -> list[bool]:
        """For each time the bell said that e-mail waits: whether that is over."""
        rows = self.bell(NotificationKind.ALERT_UNSENT)
        return [row.withdrawn for row in rows if row.key == "email:unsent"]

    def find_away(self) -> None:
        """The provider is away when the fresh engine looks for what became of its message, and comes back."""
        self.control.apply(Control.OFFLINE, Provider.GOOGLE)
        self._turn()
        self.control.clear(Control.OFFLINE, Provider.GOOGLE)
        self.parts.alerts.courier.look_again()

    def find_locked(self) -> list[str]:
        """The vault is locked then, and is opened once a window has shown what that keeps waiting."""
        assert self.parts.vault.status == m.VaultStatus.NEEDS_PASSPHRASE
        self._turn()
        shown = self.claim()
        self.parts.vault.unlock(PASSPHRASE)
        self.parts.credentials.forget_all()
        self.parts.bus.publish([VaultChanged(m.VaultStatus.OPEN)])
        return shown

    def _turn(self) -> None:
        self.parts.alerts.tick()
        wait_until(lambda: not self.parts.alerts.courier.busy, "end of every channel's turn")

    def go_on(self) -> list[str]:
        """What a fresh engine does, to the end; gives what its window showed, once for each telling."""
        self.parts.alerts.mail_what_lasts()
        self.parts.alerts.tick()
        self.lose()
        shown = self.claim()
        self.clock.advance(MERGED_S)
        wait_until(self._passes, "end of what is to be carried")
        return shown + self.claim()

    def _passes(self) -> bool:
        """Time goes by, too little for a reminder, until nothing is left to be carried."""
        self.clock.advance(PASSES_S)
        return self.is_carried()


def sequence(name: str, accounts: tuple[str, ...], teller: Teller) -> MailSequence:
    """A running sequence that has nobody to write to."""
    now = teller.clock.now()
    step = Step(f"{name}-1", 1, 0.0, "Hello", "text")
    return MailSequence(
        name, name, now, SequenceStatus.RUNNING, accounts=accounts, steps=(step,), started_at=now
    )


class Arrived:
    """What reached the person's inbox and the team since this was made."""

    def __init__(self, town: Town) -> None:
        self._control = town.stand_ins.control()
        self._webhook = town.webhook
        self._after = max((mail.id for mail in self._control.messages()), default=0)
        self._posts = len(town.webhook.requests)

    @property
    def mails(self) -> list[str]:
        """Subjects of the alert e-mails."""
        mails = self._control.messages(after=self._after)
        assert all(mail.recipients == (ALERTS_TO,) for mail in mails)
        return [mail.subject for mail in mails]

    @property
    def posts(self) -> list[str]:
        """Titles of the posts."""
        return [json.loads(request.body)["title"] for request in self._webhook.requests[self._posts :]]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    passphrase = folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    webhook = WebServer(lambda request: said({}))
    stand_ins = process.start(folder / "providers", parent_pid=os.getpid())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSPHRASE_FILE, str(passphrase))
        yield Town(folder, stand_ins, webhook)
    process.stop(folder / "providers")
    webhook.close()


def dies(town: Town, folder: Path, moment: Moment) -> None:
    """Let an engine live on this folder until that moment."""
    program = Path(__file__).with_name("killed_teller.py")
    done = subprocess.run(
        [
            sys.executable, str(program), str(folder), town.stand_ins.data_dir,
            moment.when, moment.step, *moment.deeds,
        ],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.said)
def test_killed(town: Town, tmp_path: Path, moment: Moment) -> None:
    folder = tmp_path / "data"
    town.enter(moment.scene, folder)
    arrived = town.arrived()
    dies(town, folder, moment)

    with pytest.MonkeyPatch.context() as patch:
        if moment.then == "find_locked":
            patch.delenv(PASSPHRASE_FILE)
        opened = town.open(folder)
    with opened as teller:
        shown = (getattr(teller, moment.then)() or []) if moment.then else []
        shown += teller.go_on()
        mended = "mend" in (*moment.deeds, moment.then)
        if mended and teller.account(ANA).state not in CAN_SEND:
            teller.mend()
            shown += teller.go_on()
        if moment.scene is ALONE:
            assert teller.says_unsent() == [False] and teller.ask(m.GetAlertMail()).waiting == 1
            assert arrived.mails == []
            teller.ask(town.relay())
            wait_until(lambda: teller.parts.alerts.tick() and arrived.mails, "e-mail by the relay")
            wait_until(lambda: teller.says_unsent() == [True], "end of the bell's word")

        (lost,) = teller.bell(NotificationKind.ACCOUNT_LOST)
        back = teller.bell(NotificationKind.ACCOUNT_RECOVERED)
        assert lost.withdrawn is mended and len(back) == mended
        for name in SEQUENCES:
            page = teller.ask(m.ListLog(LogFilter(name, account=ANA)))
            said_of = [entry.kind for entry in reversed(page.entries)]
            assert said_of == [LogKind.ACCOUNT_OUT, *[LogKind.ACCOUNT_BACK] * mended]
        reminded = "remind" in moment.deeds
        assert lost.reminded == reminded
        assert shown.count(lost.id) == (not moment.taken) + reminded
        assert [shown.count(row.id) for row in back] == [1] * mended
        assert all(shown.count(row.id) == 1 for row in teller.bell(NotificationKind.ALERT_UNSENT))
        assert arrived.mails == [f"{ANA} cannot send"] * moment.mails
        assert arrived.posts == [f"{ANA} cannot send", f"{ANA} works again"][: moment.posts]
        assert teller.says_in_doubt() == moment.in_doubt

    with town.open(folder) as teller:
        assert teller.go_on() == [], "another restart tells again"
        with teller.parts.store.read() as unit:
            states = {one.state for one in unit.announcements.of(lost.id)}
        assert states <= {AnnouncementState.TOLD, AnnouncementState.IN_DOUBT, AnnouncementState.DROPPED}
    assert (len(arrived.mails), len(arrived.posts)) == (moment.mails, moment.posts)
