"""Sequences with steps, prospects, enrollments, touches and log; suppressions, paces, inbox marks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PROGRESS = (
    "CASE state WHEN 'waiting' THEN 0 WHEN 'active' THEN 1 WHEN 'in_doubt' THEN 2 WHEN 'finished' THEN 3 END"
)
_COUNTED = "state IN ('in_doubt', 'sending', 'sent')"
_UNPINNED = "account_id IS NULL AND due_at IS NOT NULL"


def upgrade() -> None:
    """Add what sending needs."""
    op.create_table(
        "sequences",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("gap_s", sa.Text, nullable=False),
        sa.Column("daily_limit", sa.Integer),
        sa.Column("ramp", sa.Text),
        sa.Column("stranded", sa.Text, nullable=False),
        sa.Column("sender_name", sa.Text, nullable=False),
        sa.Column("unsubscribe", sa.Boolean, nullable=False),
        sa.Column("stop_on_reply", sa.Boolean, nullable=False),
        sa.Column("start_at", sa.Integer),
        sa.Column("started_at", sa.Integer),
        sa.Column("problem", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sequences"),
    )
    op.create_index("uq_sequences_name_key", "sequences", ["name_key"], unique=True)

    op.create_table(
        "steps",
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("after_s", sa.Float, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("html", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("sequence_id", "id", name="pk_steps"),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name="fk_steps_sequence_id_sequences", ondelete="CASCADE"
        ),
    )
    op.create_index("uq_steps_sequence_id_number", "steps", ["sequence_id", "number"], unique=True)

    op.create_table(
        "sequence_accounts",
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("last_assigned_at", sa.Integer),
        sa.PrimaryKeyConstraint("sequence_id", "account_id", name="pk_sequence_accounts"),
        sa.ForeignKeyConstraint(
            ["sequence_id"],
            ["sequences.id"],
            name="fk_sequence_accounts_sequence_id_sequences",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_sequence_accounts_account_id_accounts",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_sequence_accounts_account_id", "sequence_accounts", ["account_id"])

    op.create_table(
        "sequence_fields",
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sequence_id", "name", name="pk_sequence_fields"),
        sa.ForeignKeyConstraint(
            ["sequence_id"],
            ["sequences.id"],
            name="fk_sequence_fields_sequence_id_sequences",
            ondelete="CASCADE",
        ),
    )

    op.create_table(
        "prospects",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prospects"),
    )
    op.create_index("uq_prospects_email_key", "prospects", ["email_key"], unique=True)

    op.create_table(
        "enrollments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("prospect_id", sa.Text, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Integer),
        sa.Column("last_sent_at", sa.Integer),
        sa.Column("finish_reason", sa.Text),
        sa.Column("finished_at", sa.Integer),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message_ids", sa.Text, nullable=False),
        sa.Column("provider_thread", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments"),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name="fk_enrollments_sequence_id_sequences", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospects.id"], name="fk_enrollments_prospect_id_prospects"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_enrollments_account_id_accounts", ondelete="SET NULL"
        ),
    )
    op.create_index(
        "ix_enrollments_account_id_provider_thread",
        "enrollments",
        ["account_id", "provider_thread"],
        sqlite_where=sa.text("provider_thread IS NOT NULL"),
    )
    op.create_index(
        "ix_enrollments_due_at", "enrollments", ["sequence_id", "due_at", "ordinal", "account_id", "id"]
    )
    op.create_index("ix_enrollments_email_key", "enrollments", ["sequence_id", "email_key", "id"])
    op.create_index(
        "ix_enrollments_last_sent_at", "enrollments", ["sequence_id", "last_sent_at", "ordinal", "id"]
    )
    op.create_index("ix_enrollments_ordinal", "enrollments", ["sequence_id", "ordinal", "id"])
    op.create_index(
        "ix_enrollments_pinned",
        "enrollments",
        ["account_id", "sequence_id", "due_at", "ordinal"],
        sqlite_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_index(
        "ix_enrollments_progress",
        "enrollments",
        [
            "sequence_id",
            sa.text(_PROGRESS),
            "finish_reason",
            "ordinal",
            "state",
            "account_id",
            "email_key",
            "due_at",
            "last_sent_at",
            "id",
        ],
    )
    op.create_index(
        "ix_enrollments_unpinned",
        "enrollments",
        ["sequence_id", "ordinal", "due_at"],
        sqlite_where=sa.text(_UNPINNED),
    )
    op.create_index(
        "ix_enrollments_unpinned_due_at",
        "enrollments",
        ["sequence_id", "due_at"],
        sqlite_where=sa.text(_UNPINNED),
    )
    op.create_index(
        "uq_enrollments_prospect_id_sequence_id", "enrollments", ["prospect_id", "sequence_id"], unique=True
    )

    op.create_table(
        "touches",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("enrollment_id", sa.Text, nullable=False),
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("step_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reserved_at", sa.Integer, nullable=False),
        sa.Column("settled_at", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("message_id", sa.Text),
        sa.Column("provider_id", sa.Text),
        sa.Column("cause", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_touches"),
    )
    op.create_index(
        "ix_touches_counted",
        "touches",
        ["account_id", "reserved_at", "sequence_id", "state"],
        sqlite_where=sa.text(_COUNTED),
    )
    op.create_index(
        "ix_touches_counted_reserved_at",
        "touches",
        ["reserved_at", "account_id", "state"],
        sqlite_where=sa.text(_COUNTED),
    )
    op.create_index(
        "ix_touches_message_id", "touches", ["message_id"], sqlite_where=sa.text("message_id IS NOT NULL")
    )
    op.create_index(
        "ix_touches_open",
        "touches",
        ["state", "sequence_id"],
        sqlite_where=sa.text("state IN ('in_doubt', 'sending')"),
    )
    op.create_index(
        "ix_touches_sent",
        "touches",
        ["sequence_id", "reserved_at", "state"],
        sqlite_where=sa.text("state = 'sent'"),
    )
    op.create_index("uq_touches_enrollment_id_step_id", "touches", ["enrollment_id", "step_id"], unique=True)

    op.create_table(
        "suppressions",
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("email_key", name="pk_suppressions"),
    )
    op.create_index("ix_suppressions_at", "suppressions", ["at", "email_key"])

    op.create_table(
        "log",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("sequence_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("account", sa.Text),
        sa.Column("prospect", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("sought", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log"),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name="fk_log_sequence_id_sequences", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_log_key", "log", ["key", "id", "sequence_id"], sqlite_where=sa.text("key IS NOT NULL")
    )
    op.create_index("ix_log_sequence_id", "log", ["sequence_id", "id"])
    op.create_index("ix_log_sequence_id_kind", "log", ["sequence_id", "kind", "id"])

    op.create_table(
        "paces",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("free_at", sa.Integer),
        sa.Column("held_until", sa.Integer),
        sa.Column("held_cause", sa.Text),
        sa.Column("held_text", sa.Text),
        sa.Column("first_sent_at", sa.Integer),
        sa.PrimaryKeyConstraint("account_id", name="pk_paces"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_paces_account_id_accounts", ondelete="CASCADE"
        ),
    )

    op.create_table(
        "inbox_marks",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("cursor", sa.Text),
        sa.Column("at", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_inbox_marks"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_inbox_marks_account_id_accounts", ondelete="CASCADE"
        ),
    )
