"""Carries out the commands on sequences, suppressions, sending and the forecast."""

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from reply_desktop.channel import messages as m
from reply_desktop.cli import sequence_shapes as shapes
from reply_desktop.cli.console import MARKS, Console
from reply_desktop.cli.front import Front
from reply_desktop.cli.sequence_file import Plan, Start, parse_start, read_plan, with_known_steps, write_plan
from reply_desktop.domain.address import same_mailbox
from reply_desktop.domain.durations import parse_duration
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.errors import InvalidInput, NotFound, ReplyDesktopError
from reply_desktop.domain.events import ImportProgress
from reply_desktop.domain.log_entry import LOG_WORDS, LogEntry, LogKind
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence import STATUS_WORDS
from reply_desktop.domain.sequence import Sequence as MailSequence
from reply_desktop.domain.sequence_rows import (
    ImportChoice,
    ImportPreview,
    ImportReport,
    LogFilter,
    ProspectFilter,
    ProspectRow,
    SequenceDetail,
    SequenceRow,
    SuppressionRow,
)

_PAGE = 500
_SKIPPED_SHOWN = 20
_CANCELLED = 130


class SequenceCommands:
    """The commands of one run that are about sequences; each gives its exit code."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        self._console = console
        self._print, self._say = console.print, console.say
        self._now = now

    def sequences_list(self, front: Front, args: argparse.Namespace) -> int:
        """All sequences."""
        found = front.ask(m.ListSequences())
        self._show(list(found.rows), args.json)
        if found.sending_paused:
            self._say("All sending is paused. Let it go on: reply-desktop sending resume")
        if not found.rows:
            self._say("No sequences yet. Make one: reply-desktop sequences create --help")
        return 0

    def sequences_show(self, front: Front, args: argparse.Namespace) -> int:
        """One sequence with its accounts and steps."""
        self._show_detail(_detail(front, args.sequence), args.json)
        return 0

    def sequences_create(self, front: Front, args: argparse.Namespace) -> int:
        """A sequence from a file, started if the file says when."""
        plan = read_plan(args.file, self._now())
        made = front.ask(m.SaveSequence(_with_ids(front, plan.sequence)))
        if plan.start is not None:
            try:
                front.ask(_launch(made.row.id, plan.start))
            except ReplyDesktopError as error:
                self._say(f"“{made.row.name}” was made, but not started: {error}")
                return 2
            made = _detail(front, made.row.id)
        self._show_detail(made, args.json)
        return 0

    def sequences_edit(self, front: Front, args: argparse.Namespace) -> int:
        """A sequence changed to what a file says."""
        stored = _detail(front, args.sequence).sequence
        plan = read_plan(args.file, self._now())
        written = with_known_steps(_with_ids(front, plan.sequence), stored)
        self._show_detail(front.ask(m.SaveSequence(written)), args.json)
        if plan.start is not None:
            self._say("“start” in the file was left aside: use reply-desktop sequences start.")
        return 0

    def sequences_export_file(self, front: Front, args: argparse.Namespace) -> int:
        """A sequence as YAML."""
        found = _detail(front, args.sequence)
        by_id = {one.account_id: one.address for one in found.senders}
        accounts = tuple(by_id[one] for one in found.sequence.accounts if one in by_id)
        start_at = found.sequence.start_at
        start = Start(start_at) if start_at is not None and start_at > self._now() else None
        self._print(write_plan(Plan(replace(found.sequence, accounts=accounts), start)).rstrip("\n"))
        return 0

    def sequences_import_prospects(self, front: Front, args: argparse.Namespace) -> int:
        """The prospects of a CSV file enrolled, all or none."""
        sequence_id = _detail(front, args.sequence).row.id
        path = str(args.file.absolute())
        choice: ImportChoice | None = None
        if args.dry_run or args.email_column or args.map or args.encoding or args.delimiter:
            preview = front.ask(m.PreviewImport(path, args.encoding, args.delimiter))
            preview = _as_wanted(preview, args.email_column, args.map)
            if args.dry_run:
                self._show_preview(preview, args.json)
                return 0
            choice = _choice(preview, args.encoding, args.delimiter)
        import_id = front.ask(m.ImportProspects(sequence_id, path, choice)).import_id
        ended = self._import_end(front, import_id)
        if ended.error is not None:
            raise InvalidInput(ended.error)
        report = ended.report
        if report is None or report.cancelled:
            self._say("Cancelled; nothing of the file was kept.")
            return _CANCELLED
        if args.json:
            self._console.json(shapes.report(report))
        else:
            self._show_report(report)
        return 0

    def sequences_start(self, front: Front, args: argparse.Namespace) -> int:
        """A sequence launched: at a time, after a span, at once, or by itself."""
        now = self._now()
        start: Start | None = None
        if args.at is not None:
            start = parse_start(args.at, now)
        elif args.after is not None:
            start = Start(now + timedelta(seconds=parse_duration(args.after)))
        elif args.now:
            start = Start()
        row = front.ask(_launch(args.sequence, start))
        self._show([row], args.json)
        if row.start_at is not None and row.start_at > now:
            self._say(f"Sending begins by itself at {_local(row.start_at)}.")
        return 0

    def sequences_pause(self, front: Front, args: argparse.Namespace) -> int:
        """A sequence stopped."""
        self._show([front.ask(m.PauseSequence(args.sequence))], args.json)
        return 0

    def sequences_stop_prospects(self, front: Front, args: argparse.Namespace) -> int:
        """Nothing more is sent to these prospects."""
        sequence_id = _detail(front, args.sequence).row.id
        front.ask(m.StopProspects(tuple(_prospect(front, sequence_id, one).id for one in args.emails)))
        return 0

    def sequences_settle(self, front: Front, args: argparse.Namespace) -> int:
        """What became of a mail whose outcome was unknown."""
        found = _prospect(front, _detail(front, args.sequence).row.id, args.email)
        if found.state is not EnrollmentState.IN_DOUBT:
            raise InvalidInput(f"No mail to {found.email} is in doubt.", "There is nothing to settle.")
        front.ask(m.SettleDoubt((found.id,), was_sent=args.sent))
        return 0

    def sequences_log(self, front: Front, args: argparse.Namespace) -> int:
        """What happened, newest first."""
        sequence_id = _detail(front, args.sequence).row.id
        wanted = LogFilter(sequence_id, tuple(map(LogKind, args.kind or ())))
        if args.export is not None:
            done = front.ask(m.ExportLog(wanted, str(args.export.absolute())), timeout_s=600.0)
            self._say(f"{_count(done.rows, 'entry', 'entries')} written to {args.export}.")
            return 0
        entries = _log(front, wanted, args.limit)
        if args.json:
            self._console.json(shapes.log(entries))
            return 0
        for one in entries:
            self._print(f"{_local(one.at)}  {LOG_WORDS[one.kind]}: {one.text}")
        return 0

    def sequences_export_prospects(self, front: Front, args: argparse.Namespace) -> int:
        """Prospects with state and fields as CSV."""
        wanted = ProspectFilter(_detail(front, args.sequence).row.id)
        done = front.ask(m.ExportProspects(wanted, str(args.file.absolute())), timeout_s=600.0)
        self._say(f"{_count(done.rows, 'prospect')} written to {args.file}.")
        return 0

    def sequences_remove(self, front: Front, args: argparse.Namespace) -> int:
        """Sequences forgotten; all are found before the first one goes."""
        front.ask(m.RemoveSequences(tuple(_detail(front, one).row.id for one in args.sequences)))
        return 0

    def suppressions_list(self, front: Front, args: argparse.Namespace) -> int:
        """The suppression list."""
        rows, total = _suppressed(front, args.text)
        if args.json:
            self._console.json(shapes.suppressions(rows, total))
            return 0
        width = max((len(one.email) for one in rows), default=0)
        for one in rows:
            self._print(f"{one.email:{width}}  {one.reason.value:12}  {_local(one.at)}  {one.note}".rstrip())
        if not rows:
            self._say("No such address is on the list." if args.text else "The list is empty.")
        return 0

    def suppressions_add(self, front: Front, args: argparse.Namespace) -> int:
        """Never write to these addresses again."""
        front.ask(m.AddSuppressions(tuple(args.emails), args.note))
        return 0

    def suppressions_remove(self, front: Front, args: argparse.Namespace) -> int:
        """Let these addresses be written to again."""
        for email in args.emails:
            if not any(same_mailbox(one.email, email) for one in _suppressed(front, email)[0]):
                raise NotFound(f"{plain(email, 254)} is not on the list.", "Mind typing errors.")
        front.ask(m.RemoveSuppressions(tuple(args.emails)))
        return 0

    def sending_pause(self, front: Front, args: argparse.Namespace) -> int:
        """Stop all sending."""
        front.ask(m.PauseSending(True))
        return 0

    def sending_resume(self, front: Front, args: argparse.Namespace) -> int:
        """Let sending go on."""
        front.ask(m.PauseSending(False))
        return 0

    def forecast(self, front: Front, args: argparse.Namespace) -> int:
        """What the next hours bring."""
        sequence_id = _detail(front, args.sequence).row.id if args.sequence else None
        found = front.ask(m.GetForecast(sequence_id, args.hours))
        if args.json:
            self._console.json(shapes.forecast(found))
            return 0
        hours: dict[datetime, list[str]] = defaultdict(list)
        totals: dict[datetime, int] = defaultdict(int)
        for cell in found.cells:
            hours[cell.at].append(f"{cell.account} {cell.count}")
            totals[cell.at] += cell.count
        for at in sorted(hours):
            self._print(f"{_local(at)}  {totals[at]:5}  {', '.join(hours[at])}")
        if not hours:
            self._say(f"Nothing is expected to leave in the next {found.hours} hours.")
        if found.late and found.late_until is not None:
            self._say(f"{_count(found.late, 'late mail')} among them, until {_local(found.late_until)}.")
        if found.held:
            self._say(f"{_count(found.held, 'mail')} held: the account cannot send.")
        if found.beyond:
            self._say(f"{_count(found.beyond, 'mail')} due, but limits and hours move them past that.")
        return 0

    def _import_end(self, front: Front, import_id: str) -> ImportProgress:
        def progress(event: ImportProgress) -> None:
            self._console.progress(event.words, over=False)

        try:
            return front.import_end(import_id, progress)
        except KeyboardInterrupt:
            front.ask(m.CancelImport(import_id))
            return front.import_end(import_id, progress)
        finally:
            self._console.progress("", over=True)

    def _show(self, rows: list[SequenceRow], as_json: bool) -> None:
        if as_json:
            self._console.json(shapes.sequences(rows))
            return
        width = max((len(row.name) for row in rows), default=0)
        for row in rows:
            counts = f"{_count(row.prospects, 'prospect')}, {row.sent} sent"
            doubt = f", {row.in_doubt} in doubt" if row.in_doubt else ""
            told = "  ".join(row.tooltip.split("\n"))
            name = f"{MARKS[row.indicator.value]} {row.name:{width}}"
            self._print(f"{name}  {STATUS_WORDS[row.status]:9}  {counts}{doubt}  {told}")

    def _show_detail(self, found: SequenceDetail, as_json: bool) -> None:
        if as_json:
            self._console.json(shapes.detail(found))
            return
        self._show([found.row], as_json=False)
        for one in found.senders:
            waiting = f"; {_count(one.waiting, 'prospect')} waiting for it" if one.waiting else ""
            replies = "" if one.reads else "; replies to it cannot be seen"
            said = " ".join(filter(None, (one.explanation, one.todo)))
            self._print(f"  from {one.address} ({one.state.value}{waiting}{replies}) {said}".rstrip())
        for step in found.sequence.steps:
            self._print(f"  step {step.number}: {step.subject or '(a reply in the same thread)'}")

    def _show_preview(self, preview: ImportPreview, as_json: bool) -> None:
        if as_json:
            self._console.json(shapes.preview(preview))
            return
        about = "" if preview.rows_exact else "about "
        self._print(
            f"{about}{_count(preview.rows, 'row')}, {preview.encoding}, separated by {preview.delimiter!r}"
        )
        for index, column in enumerate(preview.columns):
            becomes = column.field or "left out"
            if index == preview.email_column:
                becomes = "the address"
            self._print(f"  {column.header} → {becomes}  ({', '.join(column.samples)})")
        if preview.email_column is None:
            self._say("No column looks like addresses: name it with --email-column HEADER.")

    def _show_report(self, report: ImportReport) -> None:
        self._print(f"{report.enrolled} of {_count(report.rows, 'row')} enrolled.")
        counts = (
            (report.updated, "known before, with new fields"),
            (report.already, "in the sequence already"),
            (report.repeated, "twice in the file"),
            (report.invalid, "without a good address"),
            (report.suppressed, "on the suppression list"),
        )
        for count, words in counts:
            if count:
                self._print(f"  {count} {words}")
        for one in report.skipped[:_SKIPPED_SHOWN]:
            self._say(f"line {one.line}: {one.value}: {one.why}")
        if len(report.skipped) > _SKIPPED_SHOWN:
            self._say("More with --json.")


def _detail(front: Front, name: str) -> SequenceDetail:
    return front.ask(m.GetSequence(name))


def _launch(sequence: str, start: Start | None) -> m.LaunchSequence:
    if start is None:
        return m.LaunchSequence(sequence)
    return m.LaunchSequence(sequence, start.at, now=start.at is None)


def _with_ids(front: Front, sequence: MailSequence) -> MailSequence:
    """The sequence with its accounts' ids in place of their addresses."""
    ids = tuple(front.ask(m.GetAccount(address)).row.id for address in sequence.accounts)
    return replace(sequence, accounts=ids)


def _prospect(front: Front, sequence_id: str, email: str) -> ProspectRow:
    ids = front.ask(m.ListProspects(ProspectFilter(sequence_id, text=email))).ids
    for start in range(0, len(ids), _PAGE):
        for row in front.ask(m.GetProspects(ids[start : start + _PAGE])).rows:
            if same_mailbox(row.email, email):
                return row
    raise NotFound(f"{plain(email, 254)} is not in this sequence.", "Mind typing errors.")


def _suppressed(front: Front, text: str) -> tuple[list[SuppressionRow], int]:
    """The addresses on the list with this text in them, and how many there are."""
    rows: list[SuppressionRow] = []
    while True:
        found = front.ask(m.ListSuppressions(text, limit=_PAGE, offset=len(rows)))
        rows += found.rows
        if not found.rows or len(rows) >= found.total:
            return rows, found.total


def _log(front: Front, wanted: LogFilter, limit: int) -> list[LogEntry]:
    entries: list[LogEntry] = []
    while True:
        room = limit - len(entries) if limit > 0 else _PAGE
        page = front.ask(m.ListLog(wanted, limit=min(_PAGE, room), offset=len(entries)))
        entries += page.entries
        if not page.entries or len(entries) >= page.total or 0 < limit <= len(entries):
            return entries


def _as_wanted(preview: ImportPreview, email_column: str | None, mapped: list[str]) -> ImportPreview:
    """The preview with the columns as the person names them."""
    columns = list(preview.columns)
    for one in mapped:
        header, equals, field = one.rpartition("=")
        if not equals:
            raise InvalidInput(f"“{one[:60]}” is not HEADER=FIELD.", "Write it like --map Company=company.")
        index = _column(preview, header)
        columns[index] = replace(columns[index], field=field.strip())
    email = preview.email_column if email_column is None else _column(preview, email_column)
    return replace(preview, columns=tuple(columns), email_column=email)


def _column(preview: ImportPreview, header: str) -> int:
    wanted = header.strip().casefold()
    for index, column in enumerate(preview.columns):
        if column.header.strip().casefold() == wanted:
            return index
    raise InvalidInput(
        f"The file has no column “{header.strip()[:60]}”.",
        f"It has {', '.join(one.header for one in preview.columns[:30])}.",
    )


def _choice(preview: ImportPreview, encoding: str | None, delimiter: str | None) -> ImportChoice:
    if preview.email_column is None:
        raise InvalidInput("No column looks like addresses.", "Name it with --email-column HEADER.")
    fields = {
        index: column.field
        for index, column in enumerate(preview.columns)
        if column.field and index != preview.email_column
    }
    return ImportChoice(preview.email_column, fields, encoding, delimiter)


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
