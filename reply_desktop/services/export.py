"""Everything the app knows of accounts, as JSON for people and other programs, without any secret."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

from reply_desktop.domain.rows import AccountFilter
from reply_desktop.services.ports import Clock, Store
from reply_desktop.services.settings import SettingsDesk

FORMAT = 1
"""Version of the export's layout."""


def export_json(store: Store, settings: SettingsDesk, clock: Clock) -> str:
    """Accounts with their episodes, notifications and settings. Times are ISO 8601 UTC."""
    reads = store.reads
    details = [
        reads.account_detail(account_id) for account_id in reads.account_ids(AccountFilter(sort="address"))
    ]
    document = {
        "format": FORMAT,
        "exported_at": clock.now(),
        "accounts": [asdict(detail) for detail in details if detail is not None],
        "notifications": [asdict(row) for row in reads.notifications(100_000)],
        "settings": settings.get(()),
    }
    return json.dumps(document, default=_plain, indent=2, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
