"""One transaction and the repositories in it."""

from datetime import datetime

from reply_desktop.adapters.store.repositories import (
    SqliteAccounts,
    SqliteAppFaults,
    SqliteEpisodes,
    SqliteGrants,
    SqliteNotifications,
    SqliteSettings,
)
from reply_desktop.adapters.store.sql import Runner
from reply_desktop.services.ports import (
    Accounts,
    AppFaults,
    Episodes,
    Grants,
    Notifications,
    Settings,
)


class SqliteUnitOfWork:
    """What one call reads and changes. Made by the store; nothing is kept unless `commit` is called."""

    accounts: Accounts
    grants: Grants
    episodes: Episodes
    app_faults: AppFaults
    notifications: Notifications
    settings: Settings

    def __init__(self, runner: Runner, now: datetime) -> None:
        self._runner = runner
        self.accounts = SqliteAccounts(runner)
        self.grants = SqliteGrants(runner, now)
        self.episodes = SqliteEpisodes(runner)
        self.app_faults = SqliteAppFaults(runner)
        self.notifications = SqliteNotifications(runner)
        self.settings = SqliteSettings(runner)

    def commit(self) -> None:
        """Keep what was changed, and end the unit. Raises StoreFull; then nothing of it is kept."""
        self._runner.commit()
