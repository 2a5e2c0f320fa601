"""Gives a new sandbox its accounts, the way a person would: client ids first, then consent after consent."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from reply_desktop.channel import messages as m
from reply_desktop.domain.consent import ConsentEnd
from reply_desktop.domain.errors import ConsentFailed
from reply_desktop.domain.events import ConsentEnded
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import ControlRefused
from reply_desktop.sandbox.folder import FolderLock, FolderTaken
from reply_desktop.sandbox.person import NotOnThePage, Person
from reply_desktop.sandbox.process import Sandbox

CONNECTED: Final = 2
"""How many of each single-click provider's mailboxes are connected; the others wait to be added."""

TURN_S: Final = 60.0
"""How long one that is filling the same sandbox is waited for, in seconds."""

LOCK_FILE: Final = "seed.lock"


class Front(Protocol):
    """A connection to the engine, as commands have it."""

    def ask(self, request: Any, timeout_s: float = ...) -> Any: ...
    def consent_end(self, consent_id: str) -> ConsentEnded: ...


def seed(sandbox: Sandbox, front: Front) -> Sequence[str]:
    """Set up providers that are not, and connect the first mailboxes if there is no account at all.

    Gives the addresses connected by this call; whoever comes meanwhile waits for it and has nothing to do.
    Raises ConsentFailed when a stand-in refuses or does not answer.
    """
    lock = FolderLock(Path(sandbox.data_dir) / LOCK_FILE)
    _take_turn(lock)
    try:
        return _fill(sandbox, front)
    except (OSError, ControlRefused, NotOnThePage):
        # Not their words: they name links, and links hold codes.
        raise ConsentFailed("The sandbox's providers did not answer.", "Try again.") from None
    finally:
        lock.free()


def _take_turn(lock: FolderLock) -> None:
    deadline = time.monotonic() + TURN_S
    while True:
        try:
            return lock.hold()
        except FolderTaken:
            if time.monotonic() >= deadline:
                raise ConsentFailed("The sandbox's accounts are not ready yet.", "Try again.") from None
            time.sleep(0.02)


def _fill(sandbox: Sandbox, front: Front) -> Sequence[str]:
    configured = {row.provider for row in front.ask(m.ListProviders()).rows if row.configured}
    if Provider.GOOGLE not in configured:
        with open(sandbox.google_client_file, encoding="utf-8") as file:  # noqa: PTH123 - a path in text
            front.ask(m.SetGoogle(file.read()))
    if Provider.MICROSOFT not in configured:
        front.ask(m.SetMicrosoft(sandbox.microsoft_client_id))
    if front.ask(m.ListAccounts()).ids:
        return []
    connected = []
    control = sandbox.control()
    for provider in (Provider.GOOGLE, Provider.MICROSOFT):
        mailboxes = [one for one in control.state().mailboxes if one.provider is provider]
        for mailbox in mailboxes[:CONNECTED]:
            _consent(front, provider, mailbox.address)
            connected.append(mailbox.address)
    for mailbox in [one for one in control.state().mailboxes if one.provider is Provider.OTHER][:1]:
        servers = MailServers(
            MailServer(sandbox.smtp_host, sandbox.smtp_port, Security.STARTTLS),
            MailServer(sandbox.imap_host, sandbox.imap_tls_port, Security.TLS),
        )
        front.ask(m.AddOther(mailbox.address, servers, control.password(mailbox.address)))
        connected.append(mailbox.address)
    return connected


def _consent(front: Front, provider: Provider, address: str) -> None:
    started = front.ask(m.BeginConsent(provider=provider, login_hint=address))
    Person().consent(started.url, address)
    ended = front.consent_end(started.consent_id)
    if ended.end != ConsentEnd.CONNECTED:
        raise ConsentFailed(ended.text)
