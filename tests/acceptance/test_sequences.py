"""Sequences in the sandbox, by the real engine: accounts lost and mended, answers, and kill -9."""

import os
import signal
from collections.abc import Iterator

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.sandbox.control import Control, Door
from tests.acceptance.conftest import Shell, open_shell
from tests.acceptance.watching import (
    Recipients,
    Touched,
    Watch,
    add_prospects,
    assert_exactly_once,
    assert_threaded,
    done,
    make_sequence,
    set_delay,
    start_together,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ANA, BEN, CLEO = "ana@harbor.example", "ben@harbor.example", "cleo@harbor.example"
DANA, EMIL, FINN = "dana@fjord.example", "emil@outpost.example", "finn@fjord.example"
GINA, HANA, IVO = "gina@lantern.example", "hana@harbor.example", "ivo@outpost.example"
SPRING, PARTNER = "Spring outreach", "Partner follow-up"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One sandbox for all of these: each test has accounts and sequences of its own in it."""
    shell = open_shell(tmp_path_factory.mktemp("town"))
    done(shell, "sequences", "list")
    yield shell
    shell.close()


@pytest.fixture
def watch(town: Shell) -> Iterator[Watch]:
    with Watch(town.config) as watch:
        yield watch


def logged(shell: Shell, name: str, kind: LogKind) -> list[str]:
    """The accounts of a sequence's entries of this kind, newest first, as the command gives them."""
    entries = shell("sequences", "log", name, "--kind", kind, "--json").json["entries"]
    return [entry["account"] for entry in entries]


def span_s(letters: list[Touched]) -> float:
    return (letters[-1].at - letters[0].at).total_seconds()


def test_the_first_sequences_show_that_an_account_lost_access(town: Shell, watch: Watch) -> None:
    rows = {SPRING: (ANA, DANA), PARTNER: (ANA,)}
    for name, accounts in rows.items():
        row = watch.wait(lambda: _sending(watch, name), f"mail of {name}")  # noqa: B023 - called at once
        assert (row.accounts, row.indicator, row.accounts_out) == (accounts, Color.GREEN, ())
        assert row.prospects == row.waiting + row.active + row.in_doubt + row.finished

    town.control.apply(Control.REMOVE_ACCESS, ANA)
    # Its next mail leaves within 8 s, its next check is within 4 s.
    watch.wait(lambda: _shows(watch, {SPRING: Color.ORANGE, PARTNER: Color.RED}), "orange and red", 15)
    spring, partner = watch.row(SPRING), watch.row(PARTNER)
    assert spring.accounts_out == partner.accounts_out == (ANA,)
    assert spring.status is partner.status is SequenceStatus.RUNNING
    assert f"only from the remaining active accounts: {DANA}." in spring.tooltip
    assert partner.tooltip.startswith("Processing cannot begin")
    for row in (spring, partner):
        (about,) = [line for line in row.tooltip.splitlines() if line.startswith(f"{ANA}: ")]
        assert "Reconnect" in about
        assert logged(town, row.name, LogKind.ACCOUNT_OUT) == [ANA]
    listed = {one["name"]: one for one in town("sequences", "list", "--json").json["sequences"]}
    assert (listed[SPRING]["indicator"], listed[PARTNER]["indicator"]) == ("orange", "red")
    assert listed[SPRING]["accounts_out"] == [ANA] and ANA in listed[PARTNER]["tooltip"]

    last = max(mail.id for mail in town.control.messages())
    assert town.control.messages(after=last, account=DANA, count=1, wait_s=20), "the rest stopped too"
    assert not town.control.messages(after=last, account=ANA)

    done(town, "accounts", "reconnect", ANA, chooses=ANA)
    watch.wait(lambda: _shows(watch, {SPRING: Color.GREEN, PARTNER: Color.GREEN}), "green again", 15)
    for name in rows:
        assert logged(town, name, LogKind.ACCOUNT_BACK) == [ANA]
    assert town.control.messages(after=last, account=ANA, count=1, wait_s=20), "nothing leaves from it"
    for name in rows:
        done(town, "sequences", "pause", name)
        assert watch.row(name).indicator is Color.GREY


def test_held_mail_leaves_paced_and_each_thread_from_its_own_account(town: Shell, watch: Watch) -> None:
    done(town, "accounts", "add", "google", "--login-hint", CLEO, "--reading", chooses=CLEO)
    done(town, "accounts", "add", "microsoft", "--login-hint", FINN, chooses=FINN)
    least_s = 0.3
    both = make_sequence(town, "Both of us", [CLEO, FINN], 20, gap_s=(least_s, 0.4), after="6s")
    alone = make_sequence(town, "One alone", [CLEO], 9, gap_s=(least_s, 0.4), after="6s")
    to_both, to_alone = Recipients(town.control, both), Recipients(town.control, alone)
    start_together(town, "Both of us", "One alone")
    # More than a handful of each, so that their plan is told when they are late.
    town.control.messages(account=CLEO, count=14, wait_s=30)

    town.control.apply(Control.REMOVE_ACCESS, CLEO)
    watch.wait(
        lambda: _shows(watch, {"Both of us": Color.ORANGE, "One alone": Color.RED}), "orange and red", 15
    )
    last = to_both.last
    both += add_prospects(town, "Both of us", 3, first=20)
    to_both = Recipients(town.control, both)
    watch.wait(lambda: _only_of(watch, "Both of us", CLEO), "end of all that can be sent")
    meanwhile = to_both.after(last)
    assert {one.account for one in meanwhile} == {FINN}
    assert {one.recipient for one in meanwhile} >= set(both[-3:]), "new prospects are left out"
    held = watch.prospects("Both of us", EnrollmentState.ACTIVE)
    assert {(one.account, one.done) for one in held} == {(CLEO, 1)} and len(held) >= 2
    senders = watch.client.ask(m.GetSequence("Both of us")).senders
    assert {one.address: one.waiting for one in senders} == {CLEO: len(held), FINN: 0}
    assert not Recipients(town.control, alone).after(last), "a sequence without accounts sent"

    done(town, "accounts", "reconnect", CLEO, "--reading", chooses=CLEO)
    for name in ("Both of us", "One alone"):
        watch.wait(lambda: watch.row(name).status is SequenceStatus.FINISHED, f"end of {name}", 60)  # noqa: B023
        assert watch.row(name).sent == 2 * watch.row(name).prospects
        assert CLEO in logged(town, name, LogKind.ACCOUNT_OUT)
        assert CLEO in logged(town, name, LogKind.ACCOUNT_BACK)
    assert logged(town, "One alone", LogKind.REPACED) == [CLEO]
    assert_exactly_once(to_both.all(), both)
    assert_exactly_once(to_alone.all(), alone)
    for got in (to_both.all(), to_alone.all()):
        assert_threaded(got)
    late = sorted(
        (one for one in (*to_both.all(), *to_alone.all()) if one.id > last and one.account == CLEO),
        key=lambda one: one.id,
    )
    assert len(late) >= len(held) + len(alone)
    assert span_s(late) >= (len(late) - 1) * least_s - 0.5, "a burst"


def test_answers_end_a_sequence_and_suppress(town: Shell, watch: Watch) -> None:
    town.control.add_mailbox(Provider.GOOGLE, HANA)
    town.control.add_mailbox(Provider.MICROSOFT, IVO, kind="personal")
    done(town, "accounts", "add", "google", "--login-hint", HANA, "--reading", chooses=HANA)
    done(town, "accounts", "add", "microsoft", "--login-hint", IVO, "--reading", chooses=IVO)
    people = make_sequence(town, "Answered", [HANA, IVO, GINA], 15, after="1d", gap_s=(0.05, 0.1))
    csv = town.folder.parent / "Answered-0.csv"
    make_sequence(town, "Elsewhere", [GINA], 1)
    done(town, "sequences", "import-prospects", "Elsewhere", str(csv))
    recipients = Recipients(town.control, people)
    done(town, "sequences", "start", "Answered", "--now")
    watch.wait(lambda: len(watch.prospects("Answered", EnrollmentState.ACTIVE)) == len(people), "all sent")
    done(town, "sequences", "pause", "Answered")

    control = town.control
    by_account = {
        account: sorted(_from(account, recipients), key=lambda one: one.id) for account in (HANA, IVO, GINA)
    }
    assert min(map(len, by_account.values())) >= 3, "not in turn"
    replied = [letters[0] for letters in by_account.values()]
    bounced = [letters[1] for letters in by_account.values()]
    away = [letters[2] for letters in by_account.values()]
    left = max(by_account.values(), key=len)[3]
    for one in replied:
        control.reply(one.id, "Yes, please.")
    for one in bounced:
        control.bounce(one.id)
    for one in away:
        control.auto_reply(one.id)
    control.unsubscribe(left.id)
    over = {one.recipient: FinishReason.REPLIED for one in replied}
    over |= {one.recipient: FinishReason.BOUNCED for one in bounced}
    over |= {left.recipient: FinishReason.UNSUBSCRIBED}
    watch.wait(lambda: len(watch.prospects("Answered", EnrollmentState.FINISHED)) == len(over), "the answers")
    watch.wait(lambda: len(watch.log("Answered", LogKind.AUTO_REPLIED)) == len(away), "absence notes")
    ended = {one.email: one.finish_reason for one in watch.prospects("Answered", EnrollmentState.FINISHED)}
    assert ended == over
    row = watch.row("Answered")
    assert (row.replied, row.bounced) == (3, 3)

    suppressed = {row.email: row.reason for row in watch.client.ask(m.ListSuppressions()).rows}
    assert suppressed == {one.recipient: SuppressionReason.BOUNCED for one in bounced} | {
        left.recipient: SuppressionReason.UNSUBSCRIBED
    }
    elsewhere = {one.email: one.finish_reason for one in watch.prospects("Elsewhere")}
    assert elsewhere[left.recipient] is FinishReason.UNSUBSCRIBED
    assert elsewhere[replied[0].recipient] is None

    set_delay(town, "Answered", "1s")
    done(town, "sequences", "start", "Answered", "--now")
    watch.wait(lambda: watch.row("Answered").status is SequenceStatus.FINISHED, "the end")
    goes_on = set(people) - over.keys()
    assert_exactly_once([one for one in recipients.all() if one.recipient in goes_on], goes_on)
    assert {one.recipient for one in recipients.all() if one.step == 2} == goes_on
    # All three can be read, so that even Message-IDs which a provider replaced are known.
    assert_threaded(recipients.all())


def test_killed_in_the_middle_nothing_is_sent_twice(town: Shell) -> None:
    people = make_sequence(town, "Killed", [BEN, EMIL, GINA], 18, gap_s=(0.1, 0.2), after="1s")
    recipients = Recipients(town.control, people)
    # An answer on its way when the engine dies: the message is out, and nobody knows.
    for account in (BEN, EMIL):
        town.control.apply(Control.LATENCY, account, ms=400, where=[Door.API])
    done(town, "sequences", "start", "Killed", "--now")
    doubts = 0
    for _ in range(3):
        before = recipients.last
        assert town.control.messages(after=before, count=2, wait_s=20), "nothing is sent"
        with Watch(town.config) as watch:
            os.kill(watch.engine_pid, signal.SIGKILL)
            watch.wait_lost()
        done(town, "sequences", "list")
        with Watch(town.config) as watch:
            watch.wait(lambda: watch.log("Killed", LogKind.SENT), "its log")
            got = {(one.recipient, one.step) for one in recipients.all()}
            for one in watch.prospects("Killed", EnrollmentState.IN_DOUBT):
                doubts += 1
                assert one.touch_in_doubt in {entry.key for entry in watch.log("Killed", LogKind.IN_DOUBT)}
                was_sent = (one.email, one.done + 1) in got
                watch.client.ask(m.SettleDoubt((one.id,), was_sent))
    for account in (BEN, EMIL):
        town.control.clear(Control.LATENCY, account)
    with Watch(town.config) as watch:
        watch.wait(lambda: watch.row("Killed").status is SequenceStatus.FINISHED, "the end", 60)
    assert doubts, "no kill hit a message in flight"
    assert_exactly_once(recipients.all(), people)


def _sending(watch: Watch, name: str) -> SequenceRow | None:
    row = watch.row(name)
    return row if row.sent else None


def _shows(watch: Watch, colors: dict[str, Color]) -> bool:
    return all(watch.row(name).indicator is color for name, color in colors.items())


def _from(account: str, recipients: Recipients) -> list[Touched]:
    return [one for one in recipients.all() if one.account == account]


def _only_of(watch: Watch, name: str, account: str) -> bool:
    """Whether all that is left is pinned to this account."""
    left = watch.prospects(name, EnrollmentState.WAITING, EnrollmentState.ACTIVE)
    return {one.account for one in left} == {account}
