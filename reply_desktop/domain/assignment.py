"""Which account writes to a prospect: fair turns for new ones, a policy for stranded ones. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from reply_desktop.domain.enrollment import Enrollment, EnrollmentState
from reply_desktop.domain.sequence import Stranded, StrandedKind

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_OPEN: Final = frozenset({EnrollmentState.WAITING, EnrollmentState.ACTIVE})


def next_sender(ready: Sequence[str], last_assigned: Mapping[str, datetime]) -> str | None:
    """The account whose turn it is to get a new prospect; None when none is ready.

    `ready`: ids of the accounts that can send, in the person's order. `last_assigned`: when each last got
    one; who never did comes first, then who waits the longest; ties fall to the person's order.
    """
    return min(ready, key=lambda account_id: last_assigned.get(account_id, _NEVER), default=None)


def moves_at(policy: Stranded, enrollment: Enrollment, out_since: datetime | None) -> datetime | None:
    """When a prospect may go on from another account than its own; None while that is not in sight.

    `out_since`: since when its account cannot send; None when it can. A prospect with a mail in flight or in
    doubt stays where it is, for only its own account can tell what became of it.
    """
    settled = enrollment.state in _OPEN and enrollment.due_at is not None
    if out_since is None or enrollment.account_id is None or not settled:
        return None
    match policy.kind:
        case StrandedKind.MOVE_AFTER:
            return out_since + timedelta(seconds=policy.after_s)
        case StrandedKind.MOVE_UNSTARTED if not enrollment.is_begun:
            return out_since
        case _:
            return None


def leaves(policy: Stranded, enrollment: Enrollment, out_since: datetime | None, now: datetime) -> bool:
    """Whether a stranded prospect may go to another account now; arguments as in `moves_at`."""
    at = moves_at(policy, enrollment, out_since)
    return at is not None and at <= now
