"""Writes a sequence's log and prospects as CSV, page by page, so that a hundred thousand rows stay cheap."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from reply_desktop.domain.enrollment import FINISH_WORDS
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.log_entry import LOG_WORDS
from reply_desktop.domain.sequence_rows import LogFilter, ProspectFilter
from reply_desktop.services.ports import SequenceReads, Store

LOG_HEADER: Final = ("at", "kind", "account", "prospect", "text")
PROSPECT_HEADER: Final = (
    "email", "state", "why", "account", "steps sent", "steps", "last sent at", "next at",
)  # fmt: skip

_PAGE: Final = 1000


class WriteRows(Protocol):
    """Writes a CSV file that is safe to open in a spreadsheet; gives the number of rows.

    Raises InvalidInput when it cannot be written there, StoreFull when the disk is full.
    """

    def __call__(self, path: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int: ...


class SequenceExports:
    """Exports of what lists show, under the filter the person has set. Times are ISO 8601 in UTC."""

    def __init__(self, store: Store, write_rows: WriteRows) -> None:
        self._store = store
        self._write_rows = write_rows

    def log(self, wanted: LogFilter, path: str) -> int:
        """A sequence's log, newest first; gives the number of entries. Raises as `WriteRows`."""
        return self._write_rows(_whole(path), LOG_HEADER, _entries(self._store.reads.sequences, wanted))

    def prospects(self, wanted: ProspectFilter, path: str) -> int:
        """A sequence's prospects with their merge fields; gives their number. Raises as `WriteRows`."""
        reads = self._store.reads.sequences
        fields = reads.fields(wanted.sequence_id)
        return self._write_rows(_whole(path), (*PROSPECT_HEADER, *fields), _prospects(reads, wanted, fields))


def _whole(path: str) -> str:
    # The engine's own folder is nobody's business.
    if not Path(path).is_absolute():
        raise InvalidInput(f"“{path[:200]}” is not a whole path.", "Choose the file again.")
    return path


def _entries(reads: SequenceReads, wanted: LogFilter) -> Iterator[tuple[object, ...]]:
    offset, oldest = 0, None
    while entries := reads.log(wanted, _PAGE, offset).entries:
        for one in entries:
            # What was added meanwhile pushes entries that were written already onto the next page.
            if oldest is None or one.id < oldest:
                oldest = one.id
                yield _iso(one.at), LOG_WORDS[one.kind], one.account, one.prospect, one.text
        offset += len(entries)


def _prospects(
    reads: SequenceReads, wanted: ProspectFilter, fields: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    ids = reads.prospect_ids(wanted)
    for start in range(0, len(ids), _PAGE):
        for row in reads.prospect_rows(ids[start : start + _PAGE]):
            why = row.reason or (FINISH_WORDS[row.finish_reason] if row.finish_reason else "")
            yield (
                row.email,
                row.state.value,
                why,
                row.account,
                row.done,
                row.steps,
                _iso(row.last_sent_at),
                _iso(row.due_at),
                *(row.fields.get(name, "") for name in fields),
            )


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
