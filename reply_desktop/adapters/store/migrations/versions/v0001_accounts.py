"""Accounts with their grants and episodes, app faults, notifications, settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SEVERITY = (
    "CASE state WHEN 'paused' THEN 0 WHEN 'new' THEN 1 WHEN 'signing_in' THEN 2 WHEN 'connected' THEN 3"
    " WHEN 'at_risk' THEN 4 WHEN 'blocked' THEN 5 WHEN 'expired' THEN 6 END DESC"
)


def upgrade() -> None:
    """Build the first schema."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_at", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("provider_error", sa.Text),
        sa.Column("proven_at", sa.Integer),
        sa.Column("checked_at", sa.Integer),
        sa.Column("next_check_at", sa.Integer),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("granted_at", sa.Integer),
        sa.Column("deadline_at", sa.Integer),
        sa.Column("deadline_cause", sa.Text),
        sa.Column("claims", sa.Text),
        sa.Column("servers", sa.Text),
        sa.Column("daily_limit", sa.Integer, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("first_granted_at", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_index("uq_accounts_provider_address_key", "accounts", ["provider", "address_key"], unique=True)
    listed = ["provider", "cause", "state", "id"]
    op.create_index("ix_accounts_severity", "accounts", [sa.text(_SEVERITY), "address_key", *listed])
    op.create_index("ix_accounts_address_key", "accounts", ["address_key", *listed])
    op.create_index("ix_accounts_provider", "accounts", ["provider", "address_key", "id"])
    op.create_index("ix_accounts_cause", "accounts", ["cause", "address_key", "id"])
    op.create_index("ix_accounts_next_check_at", "accounts", ["next_check_at", "address_key", "id"])
    op.create_index("ix_accounts_proven_at", "accounts", ["proven_at", "address_key", "state", "id"])

    op.create_table(
        "grants",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("put_at", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_grants"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_grants_account_id_accounts", ondelete="CASCADE"
        ),
    )

    op.create_table(
        "episodes",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("color", sa.Text, nullable=False),
        sa.Column("started_at", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.Integer),
        sa.Column("ending", sa.Text),
        sa.Column("provider_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_episodes"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_episodes_account_id_accounts", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_episodes_account_id_started_at", "episodes", ["account_id", "started_at"])
    op.create_index(
        "uq_episodes_open",
        "episodes",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_episodes_account_id_ended_at", "episodes", ["account_id", "ended_at", "started_at", "color"]
    )

    op.create_table(
        "app_faults",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("provider_error", sa.Text),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_app_faults"),
    )

    op.create_table(
        "notifications",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("read_at", sa.Integer),
        sa.Column("withdrawn_at", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_index("ix_notifications_at", "notifications", ["at"])
    op.create_index("ix_notifications_key_at", "notifications", ["key", "at"])
    op.create_index(
        "ix_notifications_unread", "notifications", ["at"], sqlite_where=sa.text("read_at IS NULL")
    )

    op.create_table(
        "settings",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
