"""The engine's end: what is being handed over gets its time, and nothing more is begun."""

import threading
from pathlib import Path

from reply_desktop.adapters.tasks import WorkerPool
from reply_desktop.domain.enrollment import FinishReason
from reply_desktop.engine.sending_parts import build_sending
from tests.fakes.sending import Mail, SendingWorld
from tests.harness.waiting import wait_until


def test_a_mail_in_flight_is_settled_before_lines_are_cut(tmp_path: Path) -> None:
    world = SendingWorld(tmp_path)
    world.account("a")
    world.sequence(prospects=3)
    tasks = WorkerPool(4)
    sending = build_sending(
        world.store, world.credentials, world.providers, world.composer, world.health, world.feed,
        world.clock, lambda: 0.5, tasks, world.new_id,
    )  # fmt: skip
    under_way, go_on = threading.Event(), threading.Event()

    def hold(mail: Mail) -> None:
        under_way.set()
        assert go_on.wait(10)

    world.mailbox.on_send = hold
    sending.sender.tick()
    assert under_way.wait(10) and sending.sender.busy == 1
    ending = threading.Thread(target=sending.stop)
    ending.start()
    wait_until(lambda: sending.sender.tick() is None, "the end of ticks")
    assert ending.is_alive()
    go_on.set()
    ending.join(10)
    assert not ending.is_alive() and sending.sender.busy == 0
    assert len(world.mails) == 1
    assert world.places()[0].finish_reason is FinishReason.COMPLETED
    assert tasks.close()
    world.close()
