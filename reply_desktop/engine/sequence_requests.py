"""Carries out what fronts ask of sequences: each request to one service call. Nothing is decided here."""

import uuid
from collections.abc import Callable
from typing import Any

from reply_desktop.channel import messages as m
from reply_desktop.engine.sequence_parts import SequenceParts
from reply_desktop.services.ports import SendResult, SequenceReads

Table = dict[type, Callable[[Any], object]]


def table(parts: SequenceParts, reads: SequenceReads) -> Table:
    """Request class → what answers it; None stands for Done."""
    desk, prospects, suppressions = parts.desk, parts.prospects, parts.suppressions
    return {
        m.ListSequences: lambda r: m.SequenceList(tuple(desk.rows()), desk.sending_paused),
        m.GetSequence: lambda r: desk.detail(r.sequence),
        m.SaveSequence: lambda r: desk.save(r.sequence),
        m.RemoveSequences: lambda r: desk.remove(r.sequences),
        m.LaunchSequence: lambda r: desk.launch(r.sequence, r.start_at, at_once=r.now),
        m.PauseSequence: lambda r: desk.pause(r.sequence),
        m.PauseSending: lambda r: desk.pause_sending(r.paused),
        m.ListProspects: lambda r: m.ProspectIndex(tuple(reads.prospect_ids(r.wanted))),
        m.GetProspects: lambda r: m.ProspectRows(tuple(reads.prospect_rows(r.ids))),
        m.StopProspects: lambda r: prospects.stop(r.ids),
        m.SettleDoubt: lambda r: prospects.settle_doubt(r.ids, was_sent=r.was_sent),
        m.PreviewImport: lambda r: parts.imports.preview(r.path, r.encoding, r.delimiter),
        m.ImportProspects: lambda r: _import(parts, r),
        m.CancelImport: lambda r: parts.imports.cancel(r.import_id),
        m.ListLog: lambda r: reads.log(r.wanted, r.limit, r.offset),
        m.FindLogEntry: lambda r: m.LogPlace(reads.log_offset(r.wanted, r.entry_id, r.key)),
        m.ExportLog: lambda r: m.ExportedRows(parts.exports.log(r.wanted, r.path)),
        m.ExportProspects: lambda r: m.ExportedRows(parts.exports.prospects(r.wanted, r.path)),
        m.PreviewStep: lambda r: parts.steps.preview(r.sequence, r.number, r.enrollment),
        m.TestStep: lambda r: test_sent(
            parts.steps.test(r.sequence, r.number, r.account, r.to, r.enrollment)
        ),
        m.GetForecast: lambda r: parts.forecasts(r.sequence, r.hours),
        m.ListSuppressions: lambda r: _suppressions(parts, r),
        m.AddSuppressions: lambda r: suppressions.add(r.emails, r.note),
        m.RemoveSuppressions: lambda r: suppressions.remove(r.emails),
    }


def test_sent(sent: SendResult) -> m.TestSent:
    """What became of a test message, as fronts are told."""
    cause = sent.outcome.cause
    return m.TestSent(cause.value if cause else None, sent.outcome.provider_error, sent.in_doubt)


def _import(parts: SequenceParts, request: m.ImportProspects) -> m.ImportStarted:
    import_id = uuid.uuid4().hex
    sequence = parts.desk.find(request.sequence)
    parts.imports.start(sequence.id, request.path, request.choice, import_id)
    return m.ImportStarted(import_id)


def _suppressions(parts: SequenceParts, request: m.ListSuppressions) -> m.SuppressionList:
    rows, total = parts.suppressions.list(request.text, request.limit, request.offset)
    return m.SuppressionList(tuple(rows), total)
