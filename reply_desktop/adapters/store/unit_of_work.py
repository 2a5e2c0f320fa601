"""One transaction and the repositories in it."""

from datetime import datetime

from reply_desktop.adapters.store.enrollment_repositories import (
    SqliteEnrollments,
    SqliteImports,
    SqliteProspects,
    SqliteSuppressions,
)
from reply_desktop.adapters.store.leftover_repositories import SqliteLeftovers
from reply_desktop.adapters.store.notification_repositories import (
    SqliteAnnouncements,
    SqliteNotifications,
)
from reply_desktop.adapters.store.repositories import (
    SqliteAccounts,
    SqliteAppFaults,
    SqliteEpisodes,
    SqliteGrants,
    SqliteSettings,
)
from reply_desktop.adapters.store.sequence_repositories import SqliteLog, SqliteSequences
from reply_desktop.adapters.store.sql import Runner
from reply_desktop.adapters.store.touch_repositories import SqliteInboxMarks, SqlitePaces, SqliteTouches
from reply_desktop.services.alert_ports import Announcements
from reply_desktop.services.ports import (
    Accounts,
    AppFaults,
    Episodes,
    Grants,
    Notifications,
    Settings,
)
from reply_desktop.services.sequence_ports import (
    Enrollments,
    InboxMarks,
    Leftovers,
    Log,
    Paces,
    Prospects,
    Sequences,
    Suppressions,
    Touches,
    UnfinishedImports,
)


class SqliteUnitOfWork:
    """What one call reads and changes. Made by the store; nothing is kept unless `commit` is called."""

    accounts: Accounts
    grants: Grants
    episodes: Episodes
    app_faults: AppFaults
    notifications: Notifications
    announcements: Announcements
    settings: Settings
    sequences: Sequences
    prospects: Prospects
    enrollments: Enrollments
    imports: UnfinishedImports
    leftovers: Leftovers
    touches: Touches
    suppressions: Suppressions
    log: Log
    paces: Paces
    inbox_marks: InboxMarks

    def __init__(self, runner: Runner, now: datetime) -> None:
        self._runner = runner
        self.accounts = SqliteAccounts(runner)
        self.grants = SqliteGrants(runner, now)
        self.episodes = SqliteEpisodes(runner)
        self.app_faults = SqliteAppFaults(runner)
        self.notifications = SqliteNotifications(runner)
        self.announcements = SqliteAnnouncements(runner)
        self.settings = SqliteSettings(runner)
        self.sequences = SqliteSequences(runner)
        self.prospects = SqliteProspects(runner)
        self.enrollments = SqliteEnrollments(runner)
        self.imports = SqliteImports(runner)
        self.leftovers = SqliteLeftovers(runner, now)
        self.touches = SqliteTouches(runner)
        self.suppressions = SqliteSuppressions(runner)
        self.log = SqliteLog(runner)
        self.paces = SqlitePaces(runner)
        self.inbox_marks = SqliteInboxMarks(runner)

    def commit(self) -> None:
        """Keep what was changed, and end the unit. Raises StoreFull; then nothing of it is kept."""
        self._runner.commit()
