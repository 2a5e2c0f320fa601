"""Everything the app knows of accounts and sequences, as JSON for people and programs, without secrets."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Final

from reply_desktop.domain.rows import AccountFilter
from reply_desktop.domain.sequence_rows import LogFilter
from reply_desktop.services.ports import Clock, Store
from reply_desktop.services.settings import SettingsDesk

FORMAT = 1
"""Version of the export's layout."""

_MANY: Final = 100_000
"""Most notifications, suppressions, and log entries of one sequence."""


def export_json(store: Store, settings: SettingsDesk, clock: Clock) -> str:
    """Accounts with their episodes, notifications, settings, sequences and suppressions.

    Of a sequence's prospects there are counts only (the prospects tab exports them as CSV). Times are ISO
    8601 UTC, those of a sending window on its own clock.
    """
    reads = store.reads
    details = [
        reads.account_detail(account_id) for account_id in reads.account_ids(AccountFilter(sort="address"))
    ]
    with store.read() as unit:
        sequences = unit.sequences.all()
    rows = {row.id: row for row in reads.sequences.rows()}
    suppressed, _ = reads.sequences.suppressions("", _MANY, 0)
    document = {
        "format": FORMAT,
        "exported_at": clock.now(),
        "accounts": [asdict(detail) for detail in details if detail is not None],
        "notifications": [asdict(row) for row in reads.notifications(_MANY)],
        "settings": settings.get(()),
        "sequences": [
            {
                "row": asdict(rows[sequence.id]),
                "sequence": asdict(sequence),
                "log": [
                    asdict(entry) for entry in reads.sequences.log(LogFilter(sequence.id), _MANY, 0).entries
                ],
            }
            for sequence in sequences
            if sequence.id in rows
        ],
        "suppressions": [asdict(row) for row in suppressed],
    }
    return json.dumps(document, default=_plain, indent=2, ensure_ascii=False)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        return value.isoformat()
    raise TypeError(type(value).__name__)
