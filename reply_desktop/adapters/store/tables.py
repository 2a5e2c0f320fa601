"""The tables. Times are microseconds since 1970 UTC, enumerations their codes, lists and servers JSON."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    case,
    literal_column,
)

from reply_desktop.domain.states import SEVERITY

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts: Final = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text),
    Column("provider_error", Text),
    Column("proven_at", Integer),
    Column("checked_at", Integer),
    Column("next_check_at", Integer),
    Column("failures", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("subject", Text),
    Column("scopes", Text, nullable=False),
    Column("granted_at", Integer),
    Column("deadline_at", Integer),
    Column("deadline_cause", Text),
    Column("claims", Text),
    Column("servers", Text),
    Column("daily_limit", Integer, nullable=False),
    # Two that follow from the rest: what makes an address unique, and the first of all `granted_at`.
    Column("address_key", Text, nullable=False),
    Column("first_granted_at", Integer),
)

severity: Final = case(
    *((literal_column(f"'{state}'"), literal_column(str(rank))) for rank, state in enumerate(SEVERITY)),
    value=accounts.c.state,
)
"""Rank of an account's state, 0 the calmest. Literals, because an index serves only its very expression."""

Index("uq_accounts_provider_address_key", accounts.c.provider, accounts.c.address_key, unique=True)
# These hold all that a list is chosen and sorted by, so that listing never reads the rows themselves.
_LISTED: Final = (accounts.c.provider, accounts.c.cause, accounts.c.state, accounts.c.id)
Index("ix_accounts_severity", severity.desc(), accounts.c.address_key, *_LISTED)
Index("ix_accounts_address_key", accounts.c.address_key, *_LISTED)
Index("ix_accounts_provider", accounts.c.provider, accounts.c.address_key, accounts.c.id)
Index("ix_accounts_cause", accounts.c.cause, accounts.c.address_key, accounts.c.id)
# These two also find what is due and what is stale.
Index("ix_accounts_next_check_at", accounts.c.next_check_at, accounts.c.address_key, accounts.c.id)
Index("ix_accounts_proven_at", accounts.c.proven_at, accounts.c.address_key, accounts.c.state, accounts.c.id)

grants: Final = Table(
    "grants",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("put_at", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

episodes: Final = Table(
    "episodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("cause", Text, nullable=False),
    Column("color", Text, nullable=False),
    Column("started_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("ending", Text),
    Column("provider_error", Text),
)

Index("ix_episodes_account_id_started_at", episodes.c.account_id, episodes.c.started_at)
Index("uq_episodes_open", episodes.c.account_id, unique=True, sqlite_where=episodes.c.ended_at.is_(None))
# The health strip: what touched the last thirty days, however long an account's history is.
Index(
    "ix_episodes_account_id_ended_at",
    episodes.c.account_id,
    episodes.c.ended_at,
    episodes.c.started_at,
    episodes.c.color,
)

app_faults: Final = Table(
    "app_faults",
    metadata,
    Column("key", Text, primary_key=True),
    Column("provider", Text),
    Column("cause", Text, nullable=False),
    Column("provider_error", Text),
    Column("since", Integer, nullable=False),
    Column("accounts", Integer, nullable=False),
)

notifications: Final = Table(
    "notifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Integer, nullable=False),
    # No foreign key: the bell's history outlives the account.
    Column("account_id", Text),
    Column("read_at", Integer),
    Column("withdrawn_at", Integer),
    # Of the first of those raised together: its own for the first.
    Column("group_id", Text, nullable=False),
    Column("reminded", Integer, nullable=False),
    Column("remind_at", Integer),
)

as_added: Final = literal_column("notifications.rowid", Integer)
"""The order in which entries came, where their times are equal."""

Index("ix_notifications_at", notifications.c.at)
Index("ix_notifications_key_at", notifications.c.key, notifications.c.at)
Index("ix_notifications_unread", notifications.c.at, sqlite_where=notifications.c.read_at.is_(None))
Index("ix_notifications_kind_at", notifications.c.kind, notifications.c.at)
Index(
    "ix_notifications_remind_at",
    notifications.c.remind_at,
    sqlite_where=notifications.c.remind_at.is_not(None),
)

announcements: Final = Table(
    "announcements",
    metadata,
    Column("notification_id", ForeignKey("notifications.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("due_at", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("batch", Text),
    Column("route", Text),
    Column("told_at", Integer),
)

Index(
    "ix_announcements_waiting",
    announcements.c.channel,
    announcements.c.due_at,
    sqlite_where=announcements.c.state == literal_column("'waiting'"),
)
Index(
    "ix_announcements_telling",
    announcements.c.channel,
    sqlite_where=announcements.c.state == literal_column("'telling'"),
)
# How many e-mails went out lately.
Index("ix_announcements_channel_told_at", announcements.c.channel, announcements.c.told_at)

settings: Final = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
