"""How the nouns of sequences lie in rows, and how they are read back."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from reply_desktop.adapters.store import sequence_tables as tables
from reply_desktop.adapters.store.records import cause_of
from reply_desktop.adapters.store.sql import known_time, storable, to_time, to_us
from reply_desktop.domain.address import mailbox_key
from reply_desktop.domain.enrollment import Enrollment, EnrollmentState, FinishReason, Thread
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import Prospect, Suppression, SuppressionReason
from reply_desktop.domain.sequence import Ramp, SequenceStatus, Step, Stranded
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.touch import Touch, TouchState
from reply_desktop.domain.window import SendingWindow

_encode: Final = msgspec.json.Encoder().encode
_window: Final = msgspec.json.Decoder(SendingWindow).decode
_gap: Final = msgspec.json.Decoder(tuple[float, float]).decode
_ramp: Final = msgspec.json.Decoder(Ramp).decode
_stranded: Final = msgspec.json.Decoder(Stranded).decode
_texts: Final = msgspec.json.Decoder(tuple[str, ...]).decode
fields_of: Final = msgspec.json.Decoder(dict[str, str]).decode
"""The merge fields of this JSON."""


def _code(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _json(value: object) -> str | None:
    return None if value is None else _encode(value).decode()


def name_key(name: str) -> str:
    """What two spellings of a sequence's name have in common: trimmed, without regard to case."""
    return (storable(name) or "").strip().casefold()


SEQUENCE: Final = tuple(column for column in tables.sequences.c if column.name != "name_key")
"""What to select for `sequence_of`."""


def sequence_values(sequence: MailSequence) -> dict[str, object]:
    """The sequence as stored, without its steps and accounts."""
    return {
        "id": sequence.id,
        "name": storable(sequence.name),
        "created_at": to_us(sequence.created_at),
        "status": sequence.status.value,
        "window": _json(sequence.window),
        "gap_s": _json(sequence.gap_s),
        "daily_limit": sequence.daily_limit,
        "ramp": _json(sequence.ramp),
        "stranded": _json(sequence.stranded),
        "sender_name": storable(sequence.sender_name),
        "unsubscribe": sequence.unsubscribe,
        "stop_on_reply": sequence.stop_on_reply,
        "start_at": to_us(sequence.start_at),
        "started_at": to_us(sequence.started_at),
        "problem": _code(sequence.problem),
        "revision": sequence.revision,
        "name_key": name_key(sequence.name),
    }


def sequence_of(row: Sequence[Any], accounts: Sequence[str], steps: Sequence[Step]) -> MailSequence:
    """The sequence in a row of SEQUENCE, with these accounts and steps."""
    (
        sequence_id,
        name,
        created_at,
        status,
        window,
        gap_s,
        daily_limit,
        ramp,
        stranded,
        sender_name,
        unsubscribe,
        stop_on_reply,
        start_at,
        started_at,
        problem,
        revision,
    ) = row
    return MailSequence(
        sequence_id,
        name,
        known_time(created_at),
        SequenceStatus(status),
        tuple(accounts),
        tuple(steps),
        window_of(window),
        _gap(gap_s),
        daily_limit,
        None if ramp is None else _ramp(ramp),
        _stranded(stranded),
        sender_name,
        bool(unsubscribe),
        bool(stop_on_reply),
        to_time(start_at),
        to_time(started_at),
        problem_of(problem),
        revision,
    )


def window_of(stored: str) -> SendingWindow:
    """The sending window of this JSON."""
    return _window(stored)


def problem_of(code: str | None) -> Problem | None:
    """The problem of this code."""
    return None if code is None else Problem(code)


STEP: Final = tuple(tables.steps.c)
"""What to select for `step_of`."""


def step_values(sequence_id: str, step: Step) -> dict[str, object]:
    """The step as stored."""
    return {
        "sequence_id": sequence_id,
        "id": step.id,
        "number": step.number,
        "after_s": step.after_s,
        "subject": storable(step.subject),
        "body": storable(step.body),
        "html": step.html,
    }


def step_of(row: Sequence[Any]) -> Step:
    """The step in a row of STEP."""
    _, step_id, number, after_s, subject, body, html = row
    return Step(step_id, number, after_s, subject, body, bool(html))


PROSPECT: Final = tuple(column for column in tables.prospects.c if column.name != "email_key")
"""What to select for `prospect_of`."""


def prospect_values(prospect: Prospect) -> dict[str, object]:
    """The prospect as stored."""
    return {
        "id": prospect.id,
        "email": storable(prospect.email),
        "created_at": to_us(prospect.created_at),
        "fields": _fields(prospect.fields),
        "email_key": mailbox_key(prospect.email),
    }


def _fields(fields: Mapping[str, str]) -> str:
    try:
        return _encode(fields).decode()
    except UnicodeEncodeError:
        return _encode({storable(name): storable(value) for name, value in fields.items()}).decode()


def prospect_of(row: Sequence[Any]) -> Prospect:
    """The prospect in a row of PROSPECT."""
    prospect_id, email, created_at, fields = row
    return Prospect(prospect_id, email, known_time(created_at), fields_of(fields))


ENROLLMENT: Final = tuple(column for column in tables.enrollments.c if column.name != "email_key")
"""What to select for `enrollment_of`."""


def enrollment_values(enrollment: Enrollment) -> dict[str, object]:
    """The enrollment as stored."""
    thread = enrollment.thread
    return {
        "id": enrollment.id,
        "sequence_id": enrollment.sequence_id,
        "prospect_id": enrollment.prospect_id,
        "ordinal": enrollment.ordinal,
        "state": enrollment.state.value,
        "account_id": enrollment.account_id,
        "done": enrollment.done,
        "due_at": to_us(enrollment.due_at),
        "last_sent_at": to_us(enrollment.last_sent_at),
        "finish_reason": _code(enrollment.finish_reason),
        "finished_at": to_us(enrollment.finished_at),
        "subject": storable(thread.subject),
        "message_ids": _json(thread.message_ids) if thread.message_ids else "[]",
        "provider_thread": thread.provider_thread,
        "note": storable(enrollment.note),
    }


def enrollment_of(row: Sequence[Any]) -> Enrollment:
    """The enrollment in a row of ENROLLMENT."""
    (
        enrollment_id,
        sequence_id,
        prospect_id,
        ordinal,
        state,
        account_id,
        done,
        due_at,
        last_sent_at,
        finish_reason,
        finished_at,
        subject,
        message_ids,
        provider_thread,
        note,
    ) = row
    return Enrollment(
        enrollment_id,
        sequence_id,
        prospect_id,
        ordinal,
        EnrollmentState(state),
        account_id,
        done,
        to_time(due_at),
        to_time(last_sent_at),
        reason_of(finish_reason),
        to_time(finished_at),
        Thread(subject, _texts(message_ids), provider_thread),
        note,
    )


def reason_of(code: str | None) -> FinishReason | None:
    """The reason of this code."""
    return None if code is None else FinishReason(code)


TOUCH: Final = tuple(tables.touches.c)
"""What to select for `touch_of`."""


def touch_values(touch: Touch) -> dict[str, object]:
    """The touch as stored."""
    return {
        "id": touch.id,
        "enrollment_id": touch.enrollment_id,
        "sequence_id": touch.sequence_id,
        "step_id": touch.step_id,
        "account_id": touch.account_id,
        "state": touch.state.value,
        "reserved_at": to_us(touch.reserved_at),
        "settled_at": to_us(touch.settled_at),
        "attempts": touch.attempts,
        "message_id": storable(touch.message_id),
        "provider_id": storable(touch.provider_id),
        "cause": _code(touch.cause),
        "error": storable(touch.error),
    }


def touch_of(row: Sequence[Any]) -> Touch:
    """The touch in a row of TOUCH."""
    (
        touch_id,
        enrollment_id,
        sequence_id,
        step_id,
        account_id,
        state,
        reserved_at,
        settled_at,
        attempts,
        message_id,
        provider_id,
        cause,
        error,
    ) = row
    return Touch(
        touch_id,
        enrollment_id,
        sequence_id,
        step_id,
        account_id,
        TouchState(state),
        known_time(reserved_at),
        to_time(settled_at),
        attempts,
        message_id,
        provider_id,
        cause_of(cause),
        error,
    )


def suppression_values(suppression: Suppression) -> dict[str, object]:
    """The suppression as stored."""
    return {
        "email_key": mailbox_key(suppression.email),
        "email": storable(suppression.email),
        "reason": suppression.reason.value,
        "at": to_us(suppression.at),
        "note": storable(suppression.note),
    }


SUPPRESSION: Final = tuple(column for column in tables.suppressions.c if column.name != "email_key")
"""What to select for `suppression_of`."""


def suppression_of(row: Sequence[Any]) -> Suppression:
    """The suppression in a row of SUPPRESSION."""
    email, reason, at, note = row
    return Suppression(email, SuppressionReason(reason), known_time(at), note)


LOG: Final = tuple(column for column in tables.log.c if column.name != "sought")
"""What to select for `entry_of`."""


def entry_values(entry: LogEntry) -> dict[str, object]:
    """The log entry as stored, without its id, which the database gives."""
    text, account, prospect = storable(entry.text), storable(entry.account), storable(entry.prospect)
    return {
        "at": to_us(entry.at),
        "sequence_id": entry.sequence_id,
        "kind": entry.kind.value,
        "text": text,
        "account": account,
        "prospect": prospect,
        "key": entry.key,
        "sought": "\n".join(one for one in (text, account, prospect) if one).casefold(),
    }


def entry_of(row: Sequence[Any]) -> LogEntry:
    """The log entry in a row of LOG."""
    entry_id, at, sequence_id, kind, text, account, prospect, key = row
    return LogEntry(known_time(at), sequence_id, LogKind(kind), text, account, prospect, key, entry_id)


def pace_values(pace: Pace) -> dict[str, object]:
    """The pace as stored."""
    return {
        "account_id": pace.account_id,
        "free_at": to_us(pace.free_at),
        "held_until": to_us(pace.held_until),
        "held_cause": _code(pace.held_cause),
        "held_text": storable(pace.held_text),
        "first_sent_at": to_us(pace.first_sent_at),
    }


PACE: Final = tuple(tables.paces.c)
"""What to select for `pace_of`."""


def pace_of(row: Sequence[Any]) -> Pace:
    """The pace in a row of PACE."""
    account_id, free_at, held_until, held_cause, held_text, first_sent_at = row
    return Pace(
        account_id,
        to_time(free_at),
        to_time(held_until),
        cause_of(held_cause),
        held_text,
        to_time(first_sent_at),
    )
