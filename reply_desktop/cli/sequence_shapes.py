"""The JSON of the commands on sequences: stable, documented in docs/commands.md."""

from collections.abc import Sequence
from typing import Any

from reply_desktop.cli.shapes import iso
from reply_desktop.domain.log_entry import LogEntry
from reply_desktop.domain.sequence_rows import (
    Forecast,
    ImportPreview,
    ImportReport,
    SequenceDetail,
    SequenceRow,
    SuppressionRow,
)


def sequence(row: SequenceRow) -> dict[str, Any]:
    """One sequence, as `sequences list`, `show`, `start` and `pause` give it."""
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status.value,
        "indicator": row.indicator.value,
        "tooltip": row.tooltip,
        "problem": row.problem.value if row.problem else None,
        "accounts": list(row.accounts),
        "accounts_out": list(row.accounts_out),
        "prospects": row.prospects,
        "waiting": row.waiting,
        "active": row.active,
        "in_doubt": row.in_doubt,
        "finished": row.finished,
        "replied": row.replied,
        "bounced": row.bounced,
        "sent": row.sent,
        "sent_24h": row.sent_24h,
        "next_send_at": iso(row.next_send_at),
        "start_at": iso(row.start_at),
    }


def sequences(rows: Sequence[SequenceRow]) -> dict[str, Any]:
    """The answer of `sequences list`, `start` and `pause`."""
    return {"sequences": [sequence(row) for row in rows]}


def detail(found: SequenceDetail) -> dict[str, Any]:
    """The answer of `sequences show`, `create` and `edit`: the list's fields, and senders and steps."""
    more = {
        "senders": [
            {
                "address": one.address,
                "provider": one.provider.value,
                "state": one.state.value,
                "explanation": one.explanation or None,
                "todo": one.todo or None,
                "reads": one.reads,
                "waiting": one.waiting,
            }
            for one in found.senders
        ],
        "steps": [
            {"number": step.number, "after_s": step.after_s, "subject": step.subject, "html": step.html}
            for step in found.sequence.steps
        ],
        "fields": list(found.fields),
    }
    return {"sequences": [sequence(found.row) | more]}


def log(entries: Sequence[LogEntry]) -> dict[str, Any]:
    """The answer of `sequences log`."""
    return {
        "entries": [
            {
                "id": one.id,
                "at": iso(one.at),
                "kind": one.kind.value,
                "severity": one.severity.value,
                "account": one.account,
                "prospect": one.prospect,
                "text": one.text,
            }
            for one in entries
        ]
    }


def preview(found: ImportPreview) -> dict[str, Any]:
    """The answer of `sequences import-prospects --dry-run`."""
    return {
        "preview": {
            "encoding": found.encoding,
            "delimiter": found.delimiter,
            "rows": found.rows,
            "rows_exact": found.rows_exact,
            "email_column": None if found.email_column is None else found.columns[found.email_column].header,
            "columns": [
                {"header": one.header, "field": one.field or None, "samples": list(one.samples)}
                for one in found.columns
            ],
        }
    }


def report(told: ImportReport) -> dict[str, Any]:
    """The answer of `sequences import-prospects`."""
    return {
        "import": {
            "rows": told.rows,
            "enrolled": told.enrolled,
            "updated": told.updated,
            "already": told.already,
            "repeated": told.repeated,
            "invalid": told.invalid,
            "suppressed": told.suppressed,
            "skipped": [{"line": one.line, "value": one.value, "why": one.why} for one in told.skipped],
        }
    }


def forecast(found: Forecast) -> dict[str, Any]:
    """The answer of `forecast`."""
    return {
        "begins_at": iso(found.begins_at),
        "hours": found.hours,
        "late": found.late,
        "late_until": iso(found.late_until),
        "held": found.held,
        "beyond": found.beyond,
        "cells": [{"at": iso(cell.at), "account": cell.account, "count": cell.count} for cell in found.cells],
    }


def suppressions(rows: Sequence[SuppressionRow], total: int) -> dict[str, Any]:
    """The answer of `suppressions list`."""
    return {
        "total": total,
        "suppressions": [
            {"email": one.email, "reason": one.reason.value, "at": iso(one.at), "note": one.note}
            for one in rows
        ],
    }
