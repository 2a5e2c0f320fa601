"""Sequences in memory, as the engine would answer for them: canned rows, and what requests do to them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from reply_desktop.channel import messages as m
from reply_desktop.domain import events
from reply_desktop.domain.enrollment import FINISH_WORDS, EnrollmentState, FinishReason
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.log_entry import LogEntry, LogKind
from reply_desktop.domain.problem import Problem
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.sequence import (
    AUTO_START_S,
    ON,
    STATUS_WORDS,
    Sequence,
    SequenceMove,
    SequenceStatus,
    Step,
    moved,
)
from reply_desktop.domain.sequence_rows import (
    Forecast,
    ForecastCell,
    ImportColumn,
    ImportPreview,
    ImportReport,
    LogFilter,
    LogPage,
    ProspectFilter,
    ProspectRow,
    Rendered,
    SenderRow,
    SequenceDetail,
    SequenceRow,
    Skipped,
    SuppressionRow,
)
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.window import SendingWindow

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
ANA, BEN, CARLA = "ana@brightfield.example", "ben@brightfield.example", "carla.mendes@northwind.example"


def sequence_row(
    number: int,
    name: str,
    *,
    status: SequenceStatus = SequenceStatus.RUNNING,
    indicator: Color | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> SequenceRow:
    """One sequence's row; what is not named is as on an ordinary day. The counts add up."""
    color = indicator or (Color.GREEN if status is SequenceStatus.RUNNING else Color.GREY)
    canned: dict[str, Any] = {
        "tooltip": f"{STATUS_WORDS[status]}. All accounts can send.",
        "problem": None,
        "accounts": (ANA,),
        "accounts_out": (),
        "prospects": 240,
        "waiting": 100,
        "active": 80,
        "in_doubt": 0,
        "finished": 60,
        "replied": 12,
        "bounced": 3,
        "sent": 260,
        "sent_24h": 41,
        "next_send_at": now + timedelta(minutes=4) if status is SequenceStatus.RUNNING else None,
        "start_at": None,
    }
    return SequenceRow(f"s{number}", name, status, color, **(canned | fields))


def few_sequences(now: datetime = NOW) -> list[SequenceRow]:
    """Five sequences: green, orange, red, scheduled and a draft that cannot begin."""
    status = SequenceStatus
    return [
        sequence_row(1, "Autumn renewals", now=now, accounts=(ANA, CARLA)),
        sequence_row(
            2,
            "Spring outreach",
            now=now,
            indicator=Color.ORANGE,
            tooltip=f"Sending goes on from 1 of 2 accounts.\n{BEN}: access was removed or has expired. "
            "Press Reconnect under Settings → Email accounts.",
            accounts=(ANA, BEN),
            accounts_out=(BEN,),
            prospects=1200,
            waiting=700,
            active=298,
            in_doubt=2,
            finished=200,
            replied=31,
            bounced=8,
            sent=1290,
            sent_24h=88,
        ),
        sequence_row(
            3,
            "Partners",
            now=now,
            indicator=Color.RED,
            tooltip=f"Nothing is sent: no account can send.\n{BEN}: access was removed or has expired. "
            "Press Reconnect under Settings → Email accounts.",
            problem=Problem.NO_ACCOUNT_CAN_SEND,
            accounts=(BEN,),
            accounts_out=(BEN,),
            next_send_at=None,
        ),
        sequence_row(
            4,
            "Webinar follow-up",
            now=now,
            status=status.SCHEDULED,
            tooltip="Scheduled: sending begins in 12 min.",
            prospects=50,
            waiting=50,
            active=0,
            finished=0,
            replied=0,
            bounced=0,
            sent=0,
            sent_24h=0,
            start_at=now + timedelta(minutes=12),
            next_send_at=now + timedelta(minutes=12),
        ),
        sequence_row(
            5,
            "Win back",
            now=now,
            status=status.DRAFT,
            tooltip="Draft: nothing is sent until you turn it on.\nThere are no prospects yet. Import a CSV file.",
            problem=Problem.NO_PROSPECTS,
            prospects=0,
            waiting=0,
            active=0,
            finished=0,
            replied=0,
            bounced=0,
            sent=0,
            sent_24h=0,
        ),
    ]


def sequence(number: int, name: str, *, now: datetime = NOW, **fields: Any) -> Sequence:
    """A sequence of three steps from two accounts."""
    canned: dict[str, Any] = {
        "created_at": now - timedelta(days=9),
        "status": SequenceStatus.RUNNING,
        "accounts": ("a1", "a2"),
        "steps": (
            Step(
                "t1",
                1,
                0.0,
                "A question about {{ company }}",
                "Hello {{ first_name | default('there') }},\n\nhow does {{ company }} plan its spring?\n\nAna",
            ),
            Step("t2", 2, 3 * 86_400.0, "", "Hello again,\n\ndid my note reach you?\n\nAna"),
            Step("t3", 3, 7 * 86_400.0, "", "<p>Shall I close your file?</p>", html=True),
        ),
        "window": SendingWindow((1, 2, 3, 4, 5), time(9), time(17), "Europe/Berlin"),
        "sender_name": "Ana Adler",
        "revision": 3,
    }
    return Sequence(f"s{number}", name, **(canned | fields))


def sender_row(account_id: str, address: str, *, state: State = State.CONNECTED, **fields: Any) -> SenderRow:
    """A sending account as a sequence sees it."""
    out = state is State.EXPIRED
    canned: dict[str, Any] = {
        "provider": Provider.GOOGLE,
        "explanation": "Access was removed or has expired." if out else "",
        "todo": "Press Reconnect." if out else "",
        "reads": not out,
        "waiting": 23 if out else 0,
    }
    return SenderRow(account_id, address, state=state, **(canned | fields))


def senders() -> tuple[SenderRow, ...]:
    """One that can send, one that cannot."""
    return sender_row("a1", ANA), sender_row("a2", BEN, state=State.EXPIRED)


def prospect_row(
    number: int,
    *,
    state: EnrollmentState = EnrollmentState.ACTIVE,
    finish_reason: FinishReason | None = None,
    now: datetime = NOW,
    **fields: Any,
) -> ProspectRow:
    """One prospect's row; what is not named follows from its state."""
    kind = EnrollmentState
    begun = state is not kind.WAITING
    done = {kind.WAITING: 0, kind.ACTIVE: 1, kind.IN_DOUBT: 1, kind.FINISHED: 3}[state]
    first = ("Zoë", "Jürgen", "María", "Oluwaseun", "Li", "Søren")[number % 6]
    reason = FINISH_WORDS[finish_reason] if finish_reason else ""
    canned: dict[str, Any] = {
        "email": f"p{number:05d}@company{number % 97}.example",
        "fields": {"first_name": first, "company": f"Company {number % 97}"},
        "reason": "It may or may not have been sent." if state is kind.IN_DOUBT else reason,
        "account": (ANA, BEN)[number % 2] if begun else None,
        "done": done,
        "steps": 3,
        "last_sent_at": now - timedelta(hours=number % 90 + 1) if begun else None,
        "due_at": now + timedelta(minutes=7 * number) if state in (kind.WAITING, kind.ACTIVE) else None,
        "touch_in_doubt": f"t{number}" if state is kind.IN_DOUBT else None,
    }
    return ProspectRow(f"e{number}", state=state, finish_reason=finish_reason, **(canned | fields))


def prospects(count: int, now: datetime = NOW) -> list[ProspectRow]:
    """So many prospects of all kinds."""
    kind, why = EnrollmentState, FinishReason
    kinds: tuple[tuple[EnrollmentState, FinishReason | None], ...] = (
        (kind.WAITING, None),
        (kind.ACTIVE, None),
        (kind.FINISHED, why.COMPLETED),
        (kind.WAITING, None),
        (kind.FINISHED, why.REPLIED),
        (kind.IN_DOUBT, None),
        (kind.FINISHED, why.BOUNCED),
        (kind.FINISHED, why.UNSUBSCRIBED),
    )
    made = []
    for number in range(1, count + 1):
        state, reason = kinds[number % len(kinds)]
        made.append(prospect_row(number, state=state, finish_reason=reason, now=now))
    return made


def log_entry(
    number: int,
    kind: LogKind,
    text: str,
    *,
    sequence_id: str = "s2",
    minutes_ago: float = 0,
    now: datetime = NOW,
    **fields: Any,
) -> LogEntry:
    """One line of a Log tab."""
    return LogEntry(now - timedelta(minutes=minutes_ago), sequence_id, kind, text, id=number, **fields)


def few_log(sequence_id: str = "s2", now: datetime = NOW) -> list[LogEntry]:
    """A short history, oldest first: launched, mail sent, an account lost, a reply, a doubt."""
    kind = LogKind
    told: tuple[tuple[LogKind, float, str, str | None, str | None, str | None], ...] = (
        (kind.LAUNCHED, 300, "Launched; sending begins at 05:15 by itself.", None, None, None),
        (kind.STARTED, 285, "Sending began from 2 accounts.", None, None, None),
        (kind.SENT, 280, "Step 1 was sent.", ANA, "p00002@company2.example", "t2"),
        (kind.SENT, 276, "Step 1 was sent.", BEN, "p00003@company3.example", "t3"),
        (
            kind.ACCOUNT_OUT,
            131,
            f"{BEN} cannot send: access was removed or has expired. Its 23 prospects wait; new prospects "
            "are written to from ana@brightfield.example. Press Reconnect.",
            BEN,
            None,
            "a2:grant_revoked",
        ),
        (kind.REPLIED, 90, "A reply came; nothing more is sent.", ANA, "p00004@company4.example", "t4"),
        (
            kind.IN_DOUBT,
            15,
            "The app ended while this message was on its way. It may or may not have been sent.",
            ANA,
            "p00005@company5.example",
            "t5",
        ),
    )
    return [
        log_entry(
            number,
            what,
            text,
            sequence_id=sequence_id,
            minutes_ago=minutes_ago,
            now=now,
            account=account,
            prospect=prospect,
            key=key,
        )
        for number, (what, minutes_ago, text, account, prospect, key) in enumerate(told, start=1)
    ]


def forecast(now: datetime = NOW, hours: int = 24) -> Forecast:
    """Mail from two accounts until the window closes, some of it late."""
    begins_at = now.replace(minute=0, second=0, microsecond=0)
    cells = tuple(
        ForecastCell(begins_at + timedelta(hours=hour), account, count)
        for hour in range(min(hours, 7))
        for account, count in ((ANA, 9 - hour), (CARLA, 4 + hour % 3))
    )
    return Forecast(begins_at, hours, cells, 23, now + timedelta(hours=4), held=23, beyond=140)


def import_preview(path: str = "/home/ana/prospects.csv") -> ImportPreview:
    """A file with four columns, understood as a spreadsheet wrote it."""
    columns = (
        ImportColumn("E-Mail", "email", ("zoe@alder.example", "jürgen@birke.example", "li@cedar.example")),
        ImportColumn("First name", "first_name", ("Zoë", "Jürgen", "Li")),
        ImportColumn("Company", "company", ("Alder & Sons", "Birke GmbH", "=1+1")),
        ImportColumn("Notes", "notes", ("met in May", "", "prefers\nmornings")),
    )
    return ImportPreview(path, "utf-8-sig", ";", columns, 0, 1280, rows_exact=True)


def import_report() -> ImportReport:
    """What that import came to."""
    skipped = (
        Skipped(7, "zoe@", "This is not an e-mail address."),
        Skipped(31, "li@cedar.example", "It came before, in line 4."),
        Skipped(52, "out@birch.example", "On the suppression list: asked to get no more mail."),
    )
    return ImportReport(1280, 1272, 40, 5, 1, 1, 1, skipped)


class FakeSequences:
    """The engine's sequences. `rows`, `wholes`, `people` and `log` are what it answers from.

    Changes are pushed with `push`, which the engine gives.
    """

    def __init__(self, rows: Iterable[SequenceRow] = (), *, now: datetime = NOW) -> None:
        self.now = now
        self.rows = {one.id: one for one in rows}
        self.wholes: dict[str, Sequence] = {}
        self.senders = senders()
        self.people: dict[str, dict[str, ProspectRow]] = {}
        self.log: list[LogEntry] = []
        self.paused = False
        self.rendered = Rendered(
            "A question about Company 3", "Hello Zoë,\n\nhow does Company 3 plan its spring?\n\nAna", None
        )
        self.preview = import_preview()
        self.forecast = forecast(now)
        self.suppressions = [
            SuppressionRow("out@birch.example", SuppressionReason.UNSUBSCRIBED, now, "Asked by e-mail.")
        ]
        self._imports = 0

    # What tests put in

    def enroll(self, sequence_id: str, people: Iterable[ProspectRow]) -> None:
        """Give a sequence these prospects."""
        self.people.setdefault(sequence_id, {}).update((one.id, one) for one in people)

    def row(self, key: str) -> SequenceRow:
        """A row by id or name. NotFound when it is not there."""
        found = self.rows.get(key) or next((one for one in self.rows.values() if one.name == key), None)
        if found is None:
            raise NotFound("That sequence is not there any more.")
        return found

    def whole(self, key: str) -> Sequence:
        """The sequence behind a row, made up where none was given."""
        row = self.row(key)
        number = int(row.id[1:])
        if row.id not in self.wholes:
            self.wholes[row.id] = sequence(
                number, row.name, now=self.now, status=row.status, start_at=row.start_at
            )
        return self.wholes[row.id]

    # Answers

    def answer(self, request: Any) -> tuple[Any, tuple[Any, ...]] | None:
        """(answer, events to push) to a request about sequences; None to any other."""
        match request:
            case m.ListSequences():
                rows = tuple(sorted(self.rows.values(), key=lambda one: one.name.casefold()))
                return m.SequenceList(rows, self.paused), ()
            case m.GetSequence(key):
                return self._detail(key), ()
            case m.SaveSequence(wanted):
                return self._save(wanted)
            case m.RemoveSequences(ids):
                gone = [self.rows.pop(one) for one in ids if one in self.rows]
                return m.Done(), tuple(events.SequenceRemoved(one.id, one.name) for one in gone)
            case m.LaunchSequence(key, start_at, now):
                at = self.now if now else start_at or self.now + timedelta(seconds=AUTO_START_S)
                return self._move(key, SequenceMove.LAUNCH, at)
            case m.PauseSequence(key):
                return self._move(key, SequenceMove.PAUSE, None)
            case m.PauseSending(paused):
                self.paused = paused
                return m.Done(), (events.SendingPaused(paused),)
            case m.GetForecast():
                return self.forecast, ()
        return self._answer_people(request) or self._answer_rest(request)

    def _answer_people(self, request: Any) -> tuple[Any, tuple[Any, ...]] | None:
        match request:
            case m.ListProspects(wanted):
                return m.ProspectIndex(self._prospect_ids(wanted)), ()
            case m.GetProspects(ids):
                known = {key: row for people in self.people.values() for key, row in people.items()}
                return m.ProspectRows(tuple(known[one] for one in ids if one in known)), ()
            case m.StopProspects(ids):
                return m.Done(), self._change_people(
                    ids,
                    state=EnrollmentState.FINISHED,
                    finish_reason=FinishReason.STOPPED,
                    reason=FINISH_WORDS[FinishReason.STOPPED],
                    due_at=None,
                )
            case m.SettleDoubt(ids):
                return m.Done(), self._change_people(
                    ids, state=EnrollmentState.ACTIVE, touch_in_doubt=None, reason="", due_at=self.now
                )
            case m.PreviewImport(path):
                return replace(self.preview, path=path), ()
            case m.ImportProspects():
                self._imports += 1
                return m.ImportStarted(f"i{self._imports}"), ()
            case m.ExportProspects(wanted):
                return m.ExportedRows(len(self._prospect_ids(wanted))), ()
        return None

    def _answer_rest(self, request: Any) -> tuple[Any, tuple[Any, ...]] | None:
        match request:
            case m.ListLog(wanted, limit, offset):
                found = self._entries(wanted)
                return LogPage(tuple(found[offset : offset + limit]), len(found)), ()
            case m.FindLogEntry(wanted, entry_id, key):
                places = [
                    place
                    for place, one in enumerate(self._entries(wanted))
                    if (entry_id is not None and one.id == entry_id) or (key is not None and one.key == key)
                ]
                return m.LogPlace(places[0] if places else None), ()
            case m.ExportLog(wanted):
                return m.ExportedRows(len(self._entries(wanted))), ()
            case m.PreviewStep():
                return self.rendered, ()
            case m.TestStep():
                return m.TestSent(None, None, False), ()
            case m.ListSuppressions(text):
                kept = tuple(one for one in self.suppressions if text.casefold() in one.email)
                return m.SuppressionList(kept, len(kept)), ()
            case m.AddSuppressions(emails, note):
                self.suppressions += [
                    SuppressionRow(one, SuppressionReason.ADDED, self.now, note) for one in emails
                ]
                return m.Done(), ()
            case m.RemoveSuppressions(emails):
                self.suppressions = [one for one in self.suppressions if one.email not in emails]
                return m.Done(), ()
        return None

    def _detail(self, key: str) -> SequenceDetail:
        row = self.row(key)
        return SequenceDetail(row, self.whole(key), self.senders, ("company", "first_name"))

    def _save(self, wanted: Sequence) -> tuple[Any, tuple[Any, ...]]:
        if not wanted.id:
            number = max((int(one[1:]) for one in self.rows), default=0) + 1
            row = sequence_row(
                number, wanted.name, status=SequenceStatus.DRAFT, now=self.now, prospects=0, waiting=0,
                active=0, finished=0, replied=0, bounced=0, sent=0, sent_24h=0,
                problem=Problem.NO_PROSPECTS, tooltip="Draft: nothing is sent until you turn it on.",
            )  # fmt: skip
            wanted = replace(wanted, id=row.id, status=SequenceStatus.DRAFT)
        else:
            if wanted.revision != self.whole(wanted.id).revision:
                raise InvalidInput(
                    f"“{wanted.name}” was changed meanwhile.", "Look at it again and repeat your change."
                )
            row = replace(self.row(wanted.id), name=wanted.name)
        self.rows[row.id] = row
        self.wholes[row.id] = replace(wanted, revision=wanted.revision + 1)
        return self._detail(row.id), (events.SequencesChanged((row,)),)

    def _move(self, key: str, move: SequenceMove, start_at: datetime | None) -> tuple[Any, tuple[Any, ...]]:
        whole = moved(self.whole(key), move, self.now, start_at)
        color = Color.GREY if whole.status not in ON else self.row(key).indicator
        row = replace(
            self.row(key),
            status=whole.status,
            indicator=color,
            start_at=whole.start_at,
            next_send_at=whole.start_at,
            tooltip=f"{STATUS_WORDS[whole.status]}.",
        )
        self.wholes[whole.id], self.rows[row.id] = whole, row
        return row, (events.SequencesChanged((row,)),)

    def _change_people(self, ids: tuple[str, ...], **fields: Any) -> tuple[Any, ...]:
        told: list[Any] = []
        for sequence_id, people in self.people.items():
            mine = [one for one in ids if one in people]
            for one in mine:
                people[one] = replace(people[one], **fields)
            if mine:
                told.append(events.ProspectsChanged(sequence_id, tuple(mine)))
        return tuple(told)

    def _prospect_ids(self, wanted: ProspectFilter) -> tuple[str, ...]:
        found = [
            one
            for one in self.people.get(wanted.sequence_id, {}).values()
            if wanted.text.casefold() in one.email
            and (not wanted.states or one.state in wanted.states)
            and (not wanted.reasons or one.finish_reason in wanted.reasons)
            and (wanted.account is None or one.account == self._address(wanted.account))
        ]
        far = datetime.max.replace(tzinfo=UTC)
        keys = {
            "ordinal": lambda one: int(one.id[1:]),
            "email": lambda one: one.email,
            "state": lambda one: tuple(EnrollmentState).index(one.state),
            "due_at": lambda one: one.due_at or far,
            "last_sent_at": lambda one: one.last_sent_at or far,
        }
        found.sort(key=keys[wanted.sort], reverse=wanted.descending)
        return tuple(one.id for one in found)

    def _address(self, account_id: str) -> str | None:
        return next((one.address for one in self.senders if one.account_id == account_id), None)

    def _entries(self, wanted: LogFilter) -> list[LogEntry]:
        """Newest first."""
        text = wanted.text.casefold()
        found = [
            one
            for one in self.log
            if one.sequence_id == wanted.sequence_id
            and (not wanted.kinds or one.kind in wanted.kinds)
            and (wanted.account is None or one.account == wanted.account)
            and text in f"{one.text} {one.account} {one.prospect}".casefold()
        ]
        return sorted(found, key=lambda one: one.id, reverse=True)
