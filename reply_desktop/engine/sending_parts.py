"""Builds what sends and what reads replies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reply_desktop.domain.provider import Provider
from reply_desktop.services.course import Course
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.delivery import Delivery
from reply_desktop.services.dispatch import Dispatch
from reply_desktop.services.health import Health
from reply_desktop.services.ports import Chance, Clock, MailProvider, Store, Tasks
from reply_desktop.services.recovery import Recovery
from reply_desktop.services.replies import Replies
from reply_desktop.services.sender import Sender
from reply_desktop.services.sequence_feed import SequenceFeed
from reply_desktop.services.sequence_ports import Composer

CLOSE_S: Final = 10.0
"""How long mails in flight get to be handed over when the engine ends, in seconds."""


@dataclass(frozen=True)
class SendingParts:
    """The sender and the reader of replies."""

    sender: Sender
    replies: Replies

    def stop(self) -> None:
        """Begin nothing more, and give what is in flight its time: a line cut now would leave it in doubt."""
        self.replies.stop()
        self.sender.stop()
        self.sender.wait_idle(CLOSE_S)


def build_sending(
    store: Store,
    credentials: CredentialStore,
    providers: Mapping[Provider, MailProvider],
    composer: Composer,
    health: Health,
    feed: SequenceFeed,
    clock: Clock,
    chance: Chance,
    tasks: Tasks,
    new_id: Callable[[], str],
) -> SendingParts:
    """The sender and the reader of replies on these adapters and services."""
    dispatch = Dispatch()
    recovery = Recovery(store, credentials, providers, composer, feed, clock)
    sender = Sender(
        store,
        credentials,
        health,
        Course(store, providers, feed, clock, health.submit),
        dispatch,
        Delivery(providers, composer, dispatch, clock, chance, new_id),
        recovery,
        feed,
        clock,
        tasks,
    )
    replies = Replies(store, credentials, providers, health, recovery, feed, clock, tasks)
    sender.catch_up = replies.catch_up
    return SendingParts(sender, replies)
