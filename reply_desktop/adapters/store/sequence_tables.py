"""The tables of sequences, beside those of accounts and written in the same way.

What was sent outlives everything: a touch has no foreign keys, so that it goes on counting towards its
account's limits when its sequence, step or account is removed.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnClause,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    case,
    exists,
    literal_column,
)

from reply_desktop.adapters.store.tables import metadata
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.sequence import ON
from reply_desktop.domain.touch import COUNTS_AS_SENT, TouchState


def literals(codes: Iterable[str]) -> list[ColumnClause[str]]:
    """Codes written into the SQL, because an index of some rows serves only its very condition."""
    return [literal_column(f"'{code}'") for code in codes]


sequences: Final = Table(
    "sequences",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("gap_s", Text, nullable=False),
    Column("daily_limit", Integer),
    Column("ramp", Text),
    Column("stranded", Text, nullable=False),
    Column("sender_name", Text, nullable=False),
    Column("unsubscribe", Boolean, nullable=False),
    Column("stop_on_reply", Boolean, nullable=False),
    Column("start_at", Integer),
    Column("started_at", Integer),
    Column("problem", Text),
    Column("revision", Integer, nullable=False),
    # Follows from the name: what makes it unique.
    Column("name_key", Text, nullable=False),
)

is_on: Final = sequences.c.status.in_(literals(sorted(ON)))
"""Whether the sequence's toggle is on."""

REMOVED: Final = "removed"
"""Status of a sequence that was removed, for as long as it takes to clear what belonged to it."""

is_there: Final = sequences.c.status != literal_column(f"'{REMOVED}'")
"""Whether the sequence was not removed."""

Index("uq_sequences_name_key", sequences.c.name_key, unique=True)

steps: Final = Table(
    "steps",
    metadata,
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("after_s", Float, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("html", Boolean, nullable=False),
)

Index("uq_steps_sequence_id_number", steps.c.sequence_id, steps.c.number, unique=True)

sequence_accounts: Final = Table(
    "sequence_accounts",
    metadata,
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("last_assigned_at", Integer),
)

Index("ix_sequence_accounts_account_id", sequence_accounts.c.account_id)

sequence_fields: Final = Table(
    "sequence_fields",
    metadata,
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
)
"""Merge fields that a sequence's prospects have or had; kept along, because finding them reads everyone."""

prospects: Final = Table(
    "prospects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("fields", Text, nullable=False),
    Column("email_key", Text, nullable=False),
)

Index("uq_prospects_email_key", prospects.c.email_key, unique=True)

enrollments: Final = Table(
    "enrollments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), nullable=False),
    Column("prospect_id", ForeignKey("prospects.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="SET NULL")),
    Column("done", Integer, nullable=False),
    Column("due_at", Integer),
    Column("last_sent_at", Integer),
    Column("finish_reason", Text),
    Column("finished_at", Integer),
    Column("subject", Text, nullable=False),
    Column("message_ids", Text, nullable=False),
    Column("provider_thread", Text),
    Column("note", Text, nullable=False),
    # The prospect's, beside the rest so that one index holds all that a list is chosen by.
    Column("email_key", Text, nullable=False),
)

progress: Final = case(
    *(
        (literal_column(f"'{state}'"), literal_column(str(rank)))
        for rank, state in enumerate(EnrollmentState)
    ),
    value=enrollments.c.state,
)
"""Rank of an enrollment's state, in the order of EnrollmentState. Literals, for the index's sake."""


def is_in(state: EnrollmentState) -> ColumnElement[bool]:
    """Whether an enrollment is in this state, as the index of `progress` can tell."""
    return progress == literal_column(str([*EnrollmentState].index(state)))


unpinned: Final = enrollments.c.account_id.is_(None) & enrollments.c.due_at.is_not(None)
"""Due, and from whichever account."""

_e = enrollments.c
Index("uq_enrollments_prospect_id_sequence_id", _e.prospect_id, _e.sequence_id, unique=True)
# What the sender asks: whom next, and when.
by_pinned: Final = Index(
    "ix_enrollments_pinned",
    _e.account_id,
    _e.sequence_id,
    _e.due_at,
    _e.ordinal,
    sqlite_where=_e.account_id.is_not(None),
)
by_unpinned: Final = Index(
    "ix_enrollments_unpinned", _e.sequence_id, _e.ordinal, _e.due_at, sqlite_where=unpinned
)
by_unpinned_due_at: Final = Index(
    "ix_enrollments_unpinned_due_at", _e.sequence_id, _e.due_at, sqlite_where=unpinned
)
Index(
    "ix_enrollments_account_id_provider_thread",
    _e.account_id,
    _e.provider_thread,
    sqlite_where=_e.provider_thread.is_not(None),
)
# What a list asks. The first holds all that it is chosen by, the others its orders.
by_progress: Final = Index(
    "ix_enrollments_progress",
    _e.sequence_id,
    progress,
    _e.finish_reason,
    _e.ordinal,
    _e.state,
    _e.account_id,
    _e.email_key,
    _e.due_at,
    _e.last_sent_at,
    _e.id,
)
Index("ix_enrollments_ordinal", _e.sequence_id, _e.ordinal, _e.id)
by_email_key: Final = Index("ix_enrollments_email_key", _e.sequence_id, _e.email_key, _e.id)
by_due_at: Final = Index("ix_enrollments_due_at", _e.sequence_id, _e.due_at, _e.ordinal, _e.account_id, _e.id)
Index("ix_enrollments_last_sent_at", _e.sequence_id, _e.last_sent_at, _e.ordinal, _e.id)

imports: Final = Table(
    "imports",
    metadata,
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), primary_key=True),
    Column("first_ordinal", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("entry", Text),
)
"""Sequences an import is under way into, or was when the engine died: never more than one.

What it has enrolled so far, from `first_ordinal` on, is not to be seen yet; the prospects it made were made
`at` that time. `entry`: what the log will say, once it is certain that the import comes to its end.
"""

import_fields: Final = Table(
    "import_fields",
    metadata,
    Column("prospect_id", ForeignKey("prospects.id", ondelete="CASCADE"), primary_key=True),
    Column("fields", Text, nullable=False),
)
"""Merge fields that prospects who were known before are to have once that import is certain."""

is_held: Final = exists().where(sequences.c.id == _e.sequence_id, is_there)
"""Whether an enrollment's sequence was not removed."""

is_shown: Final = ~exists().where(
    imports.c.sequence_id == _e.sequence_id, imports.c.first_ordinal <= _e.ordinal
)
"""Whether an enrollment is more than part of an import under way."""

touches: Final = Table(
    "touches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("enrollment_id", Text, nullable=False),
    Column("sequence_id", Text, nullable=False),
    Column("step_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reserved_at", Integer, nullable=False),
    Column("settled_at", Integer),
    Column("attempts", Integer, nullable=False),
    Column("message_id", Text),
    Column("provider_id", Text),
    Column("cause", Text),
    Column("error", Text),
)

_t = touches.c

counted: Final = _t.state.in_(literals(sorted(COUNTS_AS_SENT)))
"""Went out, or may have."""

sent: Final = _t.state == literal_column(f"'{TouchState.SENT}'")
"""Went out for certain."""

Index("uq_touches_enrollment_id_step_id", _t.enrollment_id, _t.step_id, unique=True)
# These hold the state too: without it SQLite looks it up in the rows.
Index("ix_touches_counted", _t.account_id, _t.reserved_at, _t.sequence_id, _t.state, sqlite_where=counted)
by_reserved_at: Final = Index(
    "ix_touches_counted_reserved_at", _t.reserved_at, _t.account_id, _t.state, sqlite_where=counted
)
Index("ix_touches_sent", _t.sequence_id, _t.reserved_at, _t.state, sqlite_where=sent)
Index("ix_touches_message_id", _t.message_id, sqlite_where=_t.message_id.is_not(None))

open_touch: Final = _t.state.in_(literals(sorted((TouchState.SENDING, TouchState.IN_DOUBT))))
"""In flight, or nobody knows."""

Index("ix_touches_open", _t.state, _t.sequence_id, sqlite_where=open_touch)

suppressions: Final = Table(
    "suppressions",
    metadata,
    Column("email_key", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("note", Text, nullable=False),
)

Index("ix_suppressions_at", suppressions.c.at, suppressions.c.email_key)

log: Final = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("sequence_id", ForeignKey("sequences.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("account", Text),
    Column("prospect", Text),
    Column("key", Text),
    # Text, account and prospect without regard to case: what a search looks in.
    Column("sought", Text, nullable=False),
    sqlite_autoincrement=True,
)

Index("ix_log_sequence_id", log.c.sequence_id, log.c.id)
by_kind: Final = Index("ix_log_sequence_id_kind", log.c.sequence_id, log.c.kind, log.c.id)
by_key: Final = Index(
    "ix_log_key", log.c.key, log.c.id, log.c.sequence_id, sqlite_where=log.c.key.is_not(None)
)

is_told: Final = exists().where(sequences.c.id == log.c.sequence_id, is_there)
"""Whether a log entry's sequence was not removed."""

paces: Final = Table(
    "paces",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("free_at", Integer),
    Column("held_until", Integer),
    Column("held_cause", Text),
    Column("held_text", Text),
    Column("first_sent_at", Integer),
)

inbox_marks: Final = Table(
    "inbox_marks",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("cursor", Text),
    Column("at", Integer, nullable=False),
)
