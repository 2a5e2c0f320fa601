"""The JSON of the commands on sequences keeps its shape."""

from typing import Any

from reply_desktop.cli import sequence_shapes as shapes
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import ForecastCell, SequenceRow
from reply_desktop.domain.states import Color
from tests.cli.test_shapes import AT

ENTRY = LogEntry(
    AT, "s1", LogKind.SENT, "Step 1 was sent.", "ana@example.com", "one@prospect.example", "t1", 7
)


def sequence_row(sequence_id: str = "s1", name: str = "Spring", **fields: Any) -> SequenceRow:
    known: dict[str, Any] = {
        "status": SequenceStatus.RUNNING, "indicator": Color.ORANGE, "tooltip": "ben is out\nReconnect it.",
        "problem": None, "accounts": ("ana@example.com", "ben@example.com"), "accounts_out": ("ben@example.com",),
        "prospects": 9, "waiting": 2, "active": 3, "in_doubt": 0, "finished": 4, "replied": 1, "bounced": 1,
        "sent": 5, "sent_24h": 2, "next_send_at": AT, "start_at": None,
    }  # fmt: skip
    return SequenceRow(sequence_id, name, **known | fields)


def test_sequence_has_exactly_the_documented_fields() -> None:
    assert shapes.sequence(sequence_row(problem=Problem.NO_STEPS)) == {
        "id": "s1",
        "name": "Spring",
        "status": "running",
        "indicator": "orange",
        "tooltip": "ben is out\nReconnect it.",
        "problem": "no_steps",
        "accounts": ["ana@example.com", "ben@example.com"],
        "accounts_out": ["ben@example.com"],
        "prospects": 9,
        "waiting": 2,
        "active": 3,
        "in_doubt": 0,
        "finished": 4,
        "replied": 1,
        "bounced": 1,
        "sent": 5,
        "sent_24h": 2,
        "next_send_at": "2026-03-01T12:30:05Z",
        "start_at": None,
    }


def test_log_entry_has_exactly_the_documented_fields() -> None:
    assert shapes.log([ENTRY]) == {
        "entries": [
            {
                "id": 7,
                "at": "2026-03-01T12:30:05Z",
                "kind": "sent",
                "severity": "info",
                "account": "ana@example.com",
                "prospect": "one@prospect.example",
                "text": "Step 1 was sent.",
            }
        ]
    }


def test_forecast_cells() -> None:
    from reply_desktop.domain.sequence_rows import Forecast

    told = shapes.forecast(Forecast(AT, 24, (ForecastCell(AT, "ana@x", 3),), 1, AT, 2, 3))
    assert told == {
        "begins_at": "2026-03-01T12:30:05Z", "hours": 24, "late": 1, "late_until": "2026-03-01T12:30:05Z", "held": 2,
        "beyond": 3, "cells": [{"at": "2026-03-01T12:30:05Z", "account": "ana@x", "count": 3}],
    }  # fmt: skip
