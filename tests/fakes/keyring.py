"""Keyring back ends for tests: one that works, and one for every way not to."""

import threading
from collections.abc import Callable

from keyring.errors import InitError, KeyringLocked, PasswordSetError


class FakeBackend:
    """Keeps passwords in memory. Counts what it was asked; `hurdle` runs before every answer and may raise."""

    def __init__(self, hurdle: Callable[[], None] | None = None) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.hurdle = hurdle
        self.reads = 0
        self.writes = 0

    def get_password(self, service: str, username: str, /) -> str | None:
        self.reads += 1
        if self.hurdle:
            self.hurdle()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.writes += 1
        if self.hurdle:
            self.hurdle()
        self.kept[service, username] = password


class Forgetful(FakeBackend):
    """Takes everything and keeps nothing, as a broken back end does."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.writes += 1


class ReadOnly(FakeBackend):
    """Cannot write, as back ends for other purposes say."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        raise NotImplementedError


class Prompting(FakeBackend):
    """Blocks, as a locked keyring with a screen does, until `answer` or `dismiss` is called."""

    def __init__(self) -> None:
        super().__init__(self._ask)
        self.asked = threading.Event()
        self._answered = threading.Event()
        self._dismissed = False

    def answer(self) -> None:
        """The person unlocks the keyring."""
        self._answered.set()

    def dismiss(self) -> None:
        """The person closes the prompt."""
        self._dismissed = True
        self._answered.set()

    def _ask(self) -> None:
        self.asked.set()
        assert self._answered.wait(60)
        if self._dismissed:
            raise KeyringLocked("Failed to unlock the collection!")


def locked() -> None:
    """A hurdle: the keyring is locked and nobody can be asked."""
    raise KeyringLocked("Failed to unlock the collection!")


def gone() -> None:
    """A hurdle: the keyring's daemon went away."""
    raise InitError("Failed to create the collection: The name is not activatable.")


def refusing() -> None:
    """A hurdle: the keyring takes nothing."""
    raise PasswordSetError("no")
