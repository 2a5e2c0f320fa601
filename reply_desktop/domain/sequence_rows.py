"""What fronts show of sequences: plain frozen rows that travel in answers and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reply_desktop.domain.enrollment import EnrollmentState, FinishReason
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import Sequence, SequenceStatus
from reply_desktop.domain.states import Color, State


@dataclass(frozen=True, slots=True)
class SenderRow:
    """A sending account as a sequence sees it. `reads`: whether replies to it can be seen.

    `waiting`: prospects pinned to it whose next step is held because it is out.
    """

    account_id: str
    address: str
    provider: Provider
    state: State
    explanation: str
    todo: str
    reads: bool
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One row of the sequences list. `tooltip`: plain text, one line for each thing to know.

    Counts add up: `prospects` = `waiting` + `active` + `in_doubt` + `finished`. `finished` contains `replied`
    and `bounced`. `sent` counts touches sent, `sent_24h` those of the last 24 hours.
    """

    id: str
    name: str
    status: SequenceStatus
    indicator: Color
    tooltip: str
    problem: Problem | None
    accounts: tuple[str, ...]
    accounts_out: tuple[str, ...]
    prospects: int
    waiting: int
    active: int
    in_doubt: int
    finished: int
    replied: int
    bounced: int
    sent: int
    sent_24h: int
    next_send_at: datetime | None
    start_at: datetime | None


@dataclass(frozen=True, slots=True)
class SequenceDetail:
    """All the sequence page shows besides its lists. `fields`: merge fields known of its prospects."""

    row: SequenceRow
    sequence: Sequence
    senders: tuple[SenderRow, ...]
    fields: tuple[str, ...]


PROSPECT_SORTS = ("ordinal", "email", "state", "due_at", "last_sent_at")
"""Columns the prospects table can be sorted by."""


@dataclass(frozen=True, slots=True)
class ProspectFilter:
    """Which prospects of a sequence, in which order. Empty tuples mean all; `text` is looked for in e-mails.

    `account`: id of a sending account, None for all.
    """

    sequence_id: str
    text: str = ""
    states: tuple[EnrollmentState, ...] = ()
    reasons: tuple[FinishReason, ...] = ()
    account: str | None = None
    sort: str = "ordinal"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ProspectRow:
    """One row of the prospects table; `id` is the enrollment's. `reason`: why it waits or ended, in words."""

    id: str
    email: str
    fields: Mapping[str, str]
    state: EnrollmentState
    finish_reason: FinishReason | None
    reason: str
    account: str | None
    done: int
    steps: int
    last_sent_at: datetime | None
    due_at: datetime | None
    touch_in_doubt: str | None = None


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log entries of a sequence, newest first. Empty tuple means all kinds.

    `text` is looked for in text, account and prospect. `around`: the id of an entry the page must hold.
    """

    sequence_id: str
    kinds: tuple[LogKind, ...] = ()
    text: str = ""
    account: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries newest first, and how many there are in all under this filter."""

    entries: tuple[LogEntry, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ForecastCell:
    """Mails expected to leave one account within the hour beginning at `at` (UTC)."""

    at: datetime
    account: str
    count: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next hours bring. `late`: overdue follow-ups among it; `held`: due, but its account is out.

    `beyond`: due by the end of the span, but limits and window push it past it.
    """

    begins_at: datetime
    hours: int
    cells: tuple[ForecastCell, ...]
    late: int
    late_until: datetime | None
    held: int
    beyond: int


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """One column of a file to import: its header, and samples. `field`: the merge field it would become."""

    header: str
    field: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """How a file was understood, before anything is imported. `email_column`: its index, if one looks so."""

    path: str
    encoding: str
    delimiter: str
    columns: tuple[ImportColumn, ...]
    email_column: int | None
    rows: int
    rows_exact: bool


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """How a person wants a file read. `fields`: column index → merge field; absent columns are left out."""

    email_column: int
    fields: Mapping[int, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that was not imported, and why in words."""

    line: int
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to. `skipped` lists the first thousand; the counts are complete.

    `rows` = `enrolled` + `already` + `repeated` + `invalid` + `suppressed`. `updated`: prospects known before
    whose fields changed.
    """

    rows: int
    enrolled: int
    updated: int
    already: int
    repeated: int
    invalid: int
    suppressed: int
    skipped: tuple[Skipped, ...]
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A step as one prospect would get it. `problems`: what keeps it from being sent, in words."""

    subject: str
    text: str
    html: str | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One line of the suppression list."""

    email: str
    reason: SuppressionReason
    at: datetime
    note: str
