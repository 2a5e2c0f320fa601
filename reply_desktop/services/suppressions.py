"""The suppression list: addresses that no sequence writes to, whoever imports them."""

from collections import defaultdict
from collections.abc import Iterable

from reply_desktop.domain import enrollment as enrollments
from reply_desktop.domain import log_texts
from reply_desktop.domain.address import parse_address
from reply_desktop.domain.enrollment import FinishReason
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.notification import plain
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.sequence_rows import SuppressionRow
from reply_desktop.services.ports import Clock, Store
from reply_desktop.services.sequence_feed import SequenceFeed

MOST = 10_000
"""Addresses that can be added or removed at once."""
_LONGEST_NOTE = 200


class SuppressionDesk:
    """The person's commands on the suppression list."""

    def __init__(self, store: Store, feed: SequenceFeed, clock: Clock) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock

    def list(self, text: str, limit: int, offset: int) -> tuple[Iterable[SuppressionRow], int]:
        """Those with this text in their address, newest first, and how many there are in all."""
        return self._store.reads.sequences.suppressions(text, limit, offset)

    def add(self, emails: Iterable[str], note: str = "") -> None:
        """Never write to these again; what is open for them ends everywhere. All or, raising, none."""
        addresses = _addresses(emails)
        note = plain(note, _LONGEST_NOTE)
        now = self._clock.now()
        entries: dict[str, list[LogEntry]] = defaultdict(list)
        ended: dict[str, list[str]] = defaultdict(list)
        with self._store.begin() as unit:
            for address in addresses:
                unit.suppressions.put(Suppression(address, SuppressionReason.ADDED, now, note))
                for one in unit.enrollments.open_of(address):
                    unit.enrollments.save(enrollments.finish(one, FinishReason.SUPPRESSED, now))
                    ended[one.sequence_id].append(one.id)
                    entries[one.sequence_id].append(log_texts.suppressed(one.sequence_id, address, now))
            kept = {sequence_id: unit.log.add(told) for sequence_id, told in entries.items()}
            unit.commit()
        for sequence_id, ids in ended.items():
            self._feed.changed(sequence_id, entries=kept[sequence_id], enrollments=ids)

    def remove(self, emails: Iterable[str]) -> None:
        """Let these be written to again; what has ended stays ended."""
        addresses = _addresses(emails)
        with self._store.begin() as unit:
            for address in addresses:
                unit.suppressions.remove(address)
            unit.commit()


def _addresses(emails: Iterable[str]) -> list[str]:
    addresses = list(dict.fromkeys(map(parse_address, emails)))
    if not 1 <= len(addresses) <= MOST:
        raise InvalidInput(f"{len(addresses):,} addresses at once cannot be taken.", f"Give 1 to {MOST:,}.")
    return addresses
