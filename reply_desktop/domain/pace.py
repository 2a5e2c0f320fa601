"""How fast one sending account may send, over all sequences: what is kept of it between two mails. Pure."""

from dataclasses import dataclass
from datetime import datetime

from reply_desktop.domain.causes import Cause


@dataclass(frozen=True, slots=True)
class Pace:
    """One account's pace. Times aware UTC.

    `free_at`: when the gap after its last mail is over. `held_until`: until when the provider wants nothing
    from it (`held_cause`, `held_text`: why). `first_sent_at`: the beginning of its ramp-up.
    """

    account_id: str
    free_at: datetime | None = None
    held_until: datetime | None = None
    held_cause: Cause | None = None
    held_text: str | None = None
    first_sent_at: datetime | None = None
