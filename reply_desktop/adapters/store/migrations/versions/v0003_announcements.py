"""What is told on which channel, reminders, and entries raised together."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what telling everywhere, once, needs."""
    op.add_column("notifications", sa.Column("group_id", sa.Text, nullable=False, server_default=""))
    op.add_column("notifications", sa.Column("reminded", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notifications", sa.Column("remind_at", sa.Integer))
    # SQLite takes a default back only by building the table anew.
    with op.batch_alter_table("notifications") as batch:
        batch.alter_column("group_id", server_default=None)
        batch.alter_column("reminded", server_default=None)
    op.execute("UPDATE notifications SET group_id = id")
    # What lasts was told once and never again; from now on there are reminders.
    op.execute(
        "UPDATE notifications SET remind_at = at + 3600000000"
        " WHERE withdrawn_at IS NULL AND kind IN ('account_lost', 'app_fault')"
    )
    op.create_index("ix_notifications_kind_at", "notifications", ["kind", "at"])
    op.create_index(
        "ix_notifications_remind_at",
        "notifications",
        ["remind_at"],
        sqlite_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_table(
        "announcements",
        sa.Column("notification_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("batch", sa.Text),
        sa.Column("route", sa.Text),
        sa.Column("told_at", sa.Integer),
        sa.PrimaryKeyConstraint("notification_id", "channel", "number", name="pk_announcements"),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name="fk_announcements_notification_id_notifications",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_announcements_waiting",
        "announcements",
        ["channel", "due_at"],
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_announcements_telling",
        "announcements",
        ["channel"],
        sqlite_where=sa.text("state = 'telling'"),
    )
    op.create_index("ix_announcements_channel_told_at", "announcements", ["channel", "told_at"])
    _take_over_recovery()


def _take_over_recovery() -> None:
    """Who did not want to hear that an account works again says so by channel now."""
    connection = op.get_bind()
    said = connection.execute(sa.text("SELECT value FROM settings WHERE name = 'notify.recovery'")).scalar()
    if said == "false":
        connection.execute(
            sa.text("INSERT OR IGNORE INTO settings (name, value) VALUES ('notify.choices', :value)"),
            {"value": json.dumps({"recovered": []})},
        )
    connection.execute(sa.text("DELETE FROM settings WHERE name = 'notify.recovery'"))
