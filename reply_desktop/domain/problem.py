"""What can keep a running sequence from sending."""

from enum import StrEnum


class Problem(StrEnum):
    """What keeps a running sequence from sending, in the order in which it is looked for."""

    NO_ACCOUNTS = "no_accounts"
    """No sending account is linked."""
    NO_ACCOUNT_CAN_SEND = "no_account_can_send"
    """Every linked account is out."""
    NO_PROSPECTS = "no_prospects"
    """Nobody to write to."""
    NO_STEPS = "no_steps"
    """Nothing to send."""
    WINDOW_EMPTY = "window_empty"
    """The sending window has no day or no hour in it, or a time zone this computer does not know."""
