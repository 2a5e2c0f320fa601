"""Errors people can act on: each says what is wrong and what to do. Never holds a secret.

ReplyDesktopError
├── InvalidInput         the person's input, file or setting cannot be used
├── NotFound             the account, provider or file named is not there
├── AlreadyExists        the account is there already
├── NotConfigured        no client id for this provider yet
├── VaultUnavailable     no fit keyring, and no passphrase file either
│   └── VaultLocked      the keyring or the passphrase file is locked; unlock and go on
├── StoreTooNew          the data was written by a newer version
├── StoreDamaged         the database cannot be read
├── StoreFull            the disk is full
├── EngineUnavailable    the engine cannot be reached or started
│   └── EngineDiffers    the engine is of another version
└── ConsentFailed        a sign-in ended without a grant (see `domain.consent`)
"""

from reply_desktop.domain.causes import Cause


class ReplyDesktopError(Exception):
    """Base of all errors meant for people: `what` went wrong and `todo`, the one thing to do."""

    code = "error"

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what} {todo}".strip())
        self.what = what
        self.todo = todo


class InvalidInput(ReplyDesktopError):
    """The person's input, file or setting cannot be used."""

    code = "invalid_input"


class NotFound(ReplyDesktopError):
    """The thing named is not there."""

    code = "not_found"


class AlreadyExists(ReplyDesktopError):
    """The thing to be made is there already."""

    code = "already_exists"


class NotConfigured(ReplyDesktopError):
    """No client id was given for this provider yet."""

    code = "not_configured"


class VaultUnavailable(ReplyDesktopError):
    """No keyring fit for secrets, and no passphrase file either. `cause`: why an account is out by it."""

    cause = Cause.VAULT_NONE
    code = "vault_unavailable"


class VaultLocked(VaultUnavailable):
    """The keyring or the passphrase file is locked; nothing is lost."""

    cause = Cause.VAULT_LOCKED
    code = "vault_locked"


class StoreTooNew(ReplyDesktopError):
    """The data folder was written by a newer version of the app."""

    code = "store_too_new"


class StoreDamaged(ReplyDesktopError):
    """The database file cannot be read."""

    code = "store_damaged"


class StoreFull(ReplyDesktopError):
    """The disk is full; nothing more can be kept."""

    code = "store_full"


class EngineUnavailable(ReplyDesktopError):
    """The engine process cannot be reached or started."""

    code = "engine_unavailable"


class EngineDiffers(EngineUnavailable):
    """The running engine is of another version."""

    code = "engine_differs"


class EngineBroken(EngineUnavailable):
    """The engine ended at once and said why: another try brings nothing until that is mended."""

    code = "engine_broken"


class ConsentFailed(ReplyDesktopError):
    """A sign-in ended without a usable grant; nothing was stored."""

    code = "consent_failed"


ERRORS: dict[str, type[ReplyDesktopError]] = {
    kind.code: kind
    for kind in (
        ReplyDesktopError,
        InvalidInput,
        NotFound,
        AlreadyExists,
        NotConfigured,
        VaultUnavailable,
        VaultLocked,
        StoreTooNew,
        StoreDamaged,
        StoreFull,
        EngineUnavailable,
        EngineDiffers,
        EngineBroken,
        ConsentFailed,
    )
}
"""Code → class, so that an error crosses the channel as the same kind it was."""
