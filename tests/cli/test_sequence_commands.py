"""Commands on sequences against a front that answers from a script: what is asked, printed and said."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.cli.document import read_yaml
from reply_desktop.cli.sequence_file import plan_of
from reply_desktop.domain.enrollment import EnrollmentState
from reply_desktop.domain.errors import InvalidInput, NotFound
from reply_desktop.domain.events import ImportProgress
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.prospect import SuppressionReason
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AccountDetail
from reply_desktop.domain.sequence import SequenceStatus
from reply_desktop.domain.sequence_rows import (
    Forecast,
    ForecastCell,
    ImportChoice,
    ImportColumn,
    ImportPreview,
    ImportReport,
    LogFilter,
    LogPage,
    ProspectFilter,
    ProspectRow,
    SenderRow,
    SequenceDetail,
    Skipped,
    SuppressionRow,
)
from reply_desktop.domain.states import Color, State
from tests.cli.test_sequence_file import PLAN
from tests.cli.test_sequence_shapes import ENTRY, sequence_row
from tests.cli.test_shapes import AT, row
from tests.fakes.shell import Shell

SENDERS = (
    SenderRow("i-ana@example.com", "ana@example.com", Provider.GOOGLE, State.CONNECTED, "", "", True),
    SenderRow(
        "i-ben@example.com", "ben@example.com", Provider.GOOGLE, State.EXPIRED, "Access was removed.", "Reconnect.", False, 3
    ),
)  # fmt: skip
STORED = replace(
    PLAN.sequence,
    id="s1",
    revision=4,
    accounts=tuple(one.account_id for one in SENDERS),
    steps=tuple(replace(step, id=f"st{step.number}") for step in PLAN.sequence.steps),
)
DETAIL = SequenceDetail(sequence_row(), STORED, SENDERS, ("first_name",))
LISTED = SuppressionRow("a@b.cc", SuppressionReason.ADDED, AT, "")
REPORT = ImportReport(10, 6, 1, 1, 1, 1, 1, (Skipped(4, "nonsense", "not a mail address"),))
PREVIEW = ImportPreview(
    "/x.csv", "utf-8", ";",
    (ImportColumn("E-Mail", "", ("a@b.cc",)), ImportColumn("Company", "company", ("ACME",)), ImportColumn("Other", "other", ())),
    0, 10, True,
)  # fmt: skip


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """The script knows one sequence, and every account."""
    shell.front.answers |= {
        m.ListSequences: m.SequenceList((sequence_row(), sequence_row("s2", "Old", indicator=Color.RED, in_doubt=2))),
        m.GetSequence: DETAIL,
        m.SaveSequence: DETAIL,
        m.LaunchSequence: sequence_row(start_at=AT + timedelta(minutes=18), status=SequenceStatus.SCHEDULED),
        m.PauseSequence: sequence_row(status=SequenceStatus.PAUSED),
        m.GetAccount: lambda r: AccountDetail(replace(row(State.CONNECTED), id=f"i-{r.account}"), (), AT, AT, None),
        m.ImportProspects: m.ImportStarted("im1"),
        m.PreviewImport: PREVIEW,
    }  # fmt: skip
    return shell


def asked(shell: Shell, kind: type) -> Any:
    """The only request of this kind."""
    (found,) = [one for one in shell.front.asked if isinstance(one, kind)]
    return found


def test_list(shell: Shell) -> None:
    assert shell("sequences", "list") == 0
    spring, old = shell.printed.splitlines()
    assert spring.startswith("▲ Spring  Active") and "9 prospects, 5 sent" in spring
    assert "ben is out  Reconnect it." in spring
    assert old.startswith("✖ Old") and "2 in doubt" in old
    assert shell("sequences", "list", "--json") == 0
    assert [one["name"] for one in json.loads(shell.printed)["sequences"]] == ["Spring", "Old"]


def test_list_says_what_is_not_to_be_seen_in_it(shell: Shell) -> None:
    shell.front.answers[m.ListSequences] = m.SequenceList((), sending_paused=True)
    assert shell("sequences", "list") == 0
    assert "sending resume" in shell.said and "sequences create" in shell.said


def test_show(shell: Shell) -> None:
    assert shell("sequences", "show", "spring") == 0
    assert asked(shell, m.GetSequence).sequence == "spring"
    assert (
        "from ben@example.com (expired; 3 prospects waiting for it; replies to it cannot be seen)"
        in shell.printed
    )
    assert "step 1: Hello {{ first_name }}" in shell.printed and "step 2: (a reply" in shell.printed
    assert shell("sequences", "show", "spring", "--json") == 0
    (one,) = json.loads(shell.printed)["sequences"]
    assert [sender["address"] for sender in one["senders"]] == ["ana@example.com", "ben@example.com"]


def test_what_show_prints_as_a_file_makes_the_same(shell: Shell, tmp_path: Path) -> None:
    assert shell("sequences", "export-file", "Spring") == 0
    assert plan_of(read_yaml(shell.printed, "f"), PLAN.sequence.created_at).sequence == PLAN.sequence
    file = tmp_path / "spring.yaml"
    file.write_text(shell.printed, encoding="utf-8")
    assert shell("sequences", "create", str(file)) == 0
    made = asked(shell, m.SaveSequence).sequence
    assert (made.id, made.accounts, made.steps[0].id) == ("", STORED.accounts, "")
    assert not any(isinstance(one, m.LaunchSequence) for one in shell.front.asked)


def test_create_starts_when_the_file_says_so(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: X\nstart: now")
    assert shell("sequences", "create", str(file), "--json") == 0
    assert asked(shell, m.LaunchSequence) == m.LaunchSequence("s1", None, now=True)
    shell.front.answers[m.LaunchSequence] = InvalidInput("It cannot.")
    assert shell("sequences", "create", str(file)) == 2
    assert "“Spring” was made, but not started: It cannot." in shell.said


def test_a_bad_file_asks_nothing_of_the_engine(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: X\nstepz: []")
    assert shell("sequences", "create", str(file)) == 2
    assert "a.yaml, line 2" in shell.said and "Did you mean steps?" in shell.said
    assert shell.front.asked == []


def test_edit_keeps_the_steps_ids(shell: Shell, tmp_path: Path) -> None:
    shell("sequences", "export-file", "Spring")
    file = tmp_path / "a.yaml"
    file.write_text(shell.printed.replace("after: 3d", "after: 5d") + "start: now\n", encoding="utf-8")
    assert shell("sequences", "edit", "Spring", str(file)) == 0
    saved = asked(shell, m.SaveSequence).sequence
    assert (saved.id, saved.revision) == ("s1", 4)
    assert [(step.id, step.after_s) for step in saved.steps] == [("st1", 0.0), ("st2", 432000.0)]
    assert "sequences start" in shell.said


@pytest.mark.parametrize(
    ("argv", "request_"),
    [
        ([], m.LaunchSequence("Spring")),
        (["--now"], m.LaunchSequence("Spring", None, now=True)),
        (["--in", "2h"], m.LaunchSequence("Spring", AT + timedelta(hours=2, minutes=3))),
        (["--at", "2026-03-02T10:00+01:00"], m.LaunchSequence("Spring", AT.replace(day=2, hour=9, minute=0, second=0, microsecond=0))),
    ],
)  # fmt: skip
def test_start(shell: Shell, argv: list[str], request_: object) -> None:
    assert shell("sequences", "start", "Spring", *argv) == 0
    assert shell.front.asked == [request_]
    assert "Sending begins by itself at " in shell.said


def test_start_in_the_past(shell: Shell) -> None:
    assert shell("sequences", "start", "Spring", "--at", "2020-01-01") == 2
    assert "is over" in shell.said and shell.front.asked == []


@pytest.mark.parametrize(
    ("argv", "request_"),
    [
        (["sequences", "pause", "Spring"], m.PauseSequence("Spring")),
        (["sequences", "remove", "Spring"], m.RemoveSequences(("s1",))),
        (["sending", "pause"], m.PauseSending(True)),
        (["sending", "resume"], m.PauseSending(False)),
        (["suppressions", "add", "a@b.cc", "c@d.ee", "--note", "asked"], m.AddSuppressions(("a@b.cc", "c@d.ee"), "asked")),
        (["suppressions", "remove", "a@b.cc"], m.RemoveSuppressions(("a@b.cc",))),
    ],
)  # fmt: skip
def test_simple_commands(shell: Shell, argv: list[str], request_: object) -> None:
    shell.front.answers[m.ListSuppressions] = m.SuppressionList((LISTED,), 1)
    assert shell(*argv) == 0
    assert shell.front.asked[-1] == request_


def test_what_is_not_on_the_list_is_not_taken_from_it(shell: Shell) -> None:
    shell.front.answers[m.ListSuppressions] = m.SuppressionList((LISTED,), 1)
    assert shell("suppressions", "remove", "A@b.cc", "b.cc\x1b") == 2
    assert shell.said == "b.cc is not on the list. Mind typing errors.\n"
    assert not any(isinstance(one, m.RemoveSuppressions) for one in shell.front.asked)


def test_an_unknown_sequence_is_one_clear_line(shell: Shell) -> None:
    shell.front.answers[m.GetSequence] = NotFound("There is no sequence “x”.", "See the list.")
    assert shell("sequences", "remove", "x") == 2
    assert shell.said == "There is no sequence “x”. See the list.\n"


def test_import(shell: Shell, tmp_path: Path) -> None:
    shell.front.import_ends = [ImportProgress("im1", 10, 10, REPORT)] * 2
    path = tmp_path / "p.csv"
    assert shell("sequences", "import-prospects", "Spring", str(path)) == 0
    assert asked(shell, m.ImportProspects) == m.ImportProspects("s1", str(path), None)
    assert shell.printed.splitlines()[0] == "6 of 10 rows enrolled."
    assert "  1 without a good address" in shell.printed
    assert "line 4: nonsense: not a mail address" in shell.said
    assert shell("sequences", "import-prospects", "Spring", str(path), "--json") == 0
    assert json.loads(shell.printed)["import"]["enrolled"] == 6


def test_import_with_columns_named(shell: Shell) -> None:
    shell.front.import_ends = [ImportProgress("im1", 10, 10, REPORT)]
    argv = ["--map", "company=firm", "--map", "Other=", "--encoding", "utf-8", "--delimiter", "tab"]
    assert shell("sequences", "import-prospects", "Spring", "/x.csv", *argv) == 0
    assert asked(shell, m.PreviewImport) == m.PreviewImport("/x.csv", "utf-8", "\t")
    assert asked(shell, m.ImportProspects).choice == ImportChoice(0, {1: "firm"}, "utf-8", "\t")


def test_import_that_only_looks(shell: Shell) -> None:
    assert (
        shell("sequences", "import-prospects", "Spring", "/x.csv", "--dry-run", "--email-column", "other")
        == 0
    )
    assert "10 rows, utf-8, separated by ';'" in shell.printed
    assert "  Company → company  (ACME)" in shell.printed and "  Other → the address" in shell.printed
    assert shell("sequences", "import-prospects", "Spring", "/x.csv", "--dry-run", "--json") == 0
    assert json.loads(shell.printed)["preview"]["email_column"] == "E-Mail"
    assert not any(isinstance(one, m.ImportProspects) for one in shell.front.asked)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--map", "Nope=x"], "no column “Nope”. It has E-Mail, Company, Other"),
        (["--map", "Company"], "HEADER=FIELD"),
        (["--email-column", "Nope"], "no column “Nope”"),
    ],
)
def test_import_with_wrong_columns(shell: Shell, argv: list[str], says: str) -> None:
    assert shell("sequences", "import-prospects", "Spring", "/x.csv", *argv) == 2
    assert says in shell.said


def test_import_without_addresses(shell: Shell) -> None:
    shell.front.answers[m.PreviewImport] = replace(PREVIEW, email_column=None)
    assert shell("sequences", "import-prospects", "Spring", "/x.csv", "--encoding", "utf-8") == 2
    assert "--email-column" in shell.said


def test_import_that_fails_or_is_cancelled(shell: Shell) -> None:
    shell.front.import_ends = [
        ImportProgress("im1", 3, 10, None, "Line 3 is no text. Choose another encoding.")
    ]
    assert shell("sequences", "import-prospects", "Spring", "/x.csv") == 2
    assert shell.said.strip() == "Line 3 is no text. Choose another encoding."
    gone = replace(REPORT, cancelled=True)
    shell.front.import_ends = [KeyboardInterrupt(), ImportProgress("im1", 3, 10, gone)]
    assert shell("sequences", "import-prospects", "Spring", "/x.csv") == 130
    assert asked(shell, m.CancelImport) == m.CancelImport("im1")
    assert "nothing of the file was kept" in shell.said and shell.printed == ""


def test_log(shell: Shell) -> None:
    shell.front.answers[m.ListLog] = lambda r: LogPage((ENTRY,) * r.limit, 1000)
    assert shell("sequences", "log", "Spring", "--kind", "sent", "--limit", "3") == 0
    assert asked(shell, m.ListLog) == m.ListLog(LogFilter("s1", (LogKind.SENT,)), 3, 0)
    assert len(shell.printed.splitlines()) == 3 and "Sent: Step 1 was sent." in shell.printed
    shell.front.asked.clear()
    assert shell("sequences", "log", "Spring", "--limit", "0", "--json") == 0
    assert [one.offset for one in shell.front.asked if isinstance(one, m.ListLog)] == [0, 500]
    assert len(json.loads(shell.printed)["entries"]) == 1000


def test_exports(shell: Shell, tmp_path: Path) -> None:
    shell.front.answers |= {m.ExportLog: m.ExportedRows(2), m.ExportProspects: m.ExportedRows(1)}
    log, people = tmp_path / "log.csv", tmp_path / "people.csv"
    assert shell("sequences", "log", "Spring", "--export", str(log)) == 0
    assert "2 entries written" in shell.said
    assert shell("sequences", "export-prospects", "Spring", str(people)) == 0
    assert "1 prospect written" in shell.said
    assert asked(shell, m.ExportLog) == m.ExportLog(LogFilter("s1"), str(log))
    assert asked(shell, m.ExportProspects) == m.ExportProspects(ProspectFilter("s1"), str(people))


def prospect(state: EnrollmentState) -> ProspectRow:
    return ProspectRow("e1", "One@prospect.example", {}, state, None, "", None, 0, 2, None, None)


@pytest.mark.parametrize(("flag", "was_sent"), [("--sent", True), ("--not-sent", False)])
def test_settle(shell: Shell, flag: str, was_sent: bool) -> None:
    shell.front.answers |= {
        m.ListProspects: m.ProspectIndex(("e0", "e1")),
        m.GetProspects: m.ProspectRows((prospect(EnrollmentState.IN_DOUBT),)),
    }
    assert shell("sequences", "settle", "Spring", "one@prospect.example", flag) == 0
    assert asked(shell, m.SettleDoubt) == m.SettleDoubt(("e1",), was_sent=was_sent)


def test_settle_and_stop_need_somebody(shell: Shell) -> None:
    shell.front.answers |= {
        m.ListProspects: m.ProspectIndex(("e1",)),
        m.GetProspects: m.ProspectRows((prospect(EnrollmentState.ACTIVE),)),
    }
    assert shell("sequences", "settle", "Spring", "one@prospect.example", "--sent") == 2
    assert "in doubt" in shell.said
    assert shell("sequences", "stop-prospects", "Spring", "one@prospect.example") == 0
    assert asked(shell, m.StopProspects) == m.StopProspects(("e1",))
    assert shell("sequences", "stop-prospects", "Spring", "nobody@prospect.example") == 2
    assert "nobody@prospect.example is not in this sequence" in shell.said


@pytest.mark.parametrize(("argv", "says"), [((), "The list is empty."), (("--text", "x"), "No such address")])
def test_no_suppressions(shell: Shell, argv: tuple[str, ...], says: str) -> None:
    shell.front.answers[m.ListSuppressions] = m.SuppressionList((), 0)
    assert shell("suppressions", "list", *argv) == 0
    assert shell.printed == "" and says in shell.said


def test_suppressions_are_read_to_the_end(shell: Shell) -> None:
    rows = [SuppressionRow(f"p{n}@x.yz", SuppressionReason.BOUNCED, AT, "") for n in range(700)]
    shell.front.answers[m.ListSuppressions] = lambda r: m.SuppressionList(
        tuple(rows[r.offset : r.offset + r.limit]), len(rows)
    )
    assert shell("suppressions", "list", "--text", "x") == 0
    assert len(shell.printed.splitlines()) == 700 and "p699@x.yz" in shell.printed
    assert shell("suppressions", "list", "--json") == 0
    assert json.loads(shell.printed)["total"] == 700


def test_forecast(shell: Shell) -> None:
    later = AT + timedelta(hours=1)
    cells = (ForecastCell(AT, "ana@x", 3), ForecastCell(AT, "ben@x", 1), ForecastCell(later, "ana@x", 2))
    shell.front.answers[m.GetForecast] = Forecast(AT, 24, cells, 2, later, 1, 5)
    assert shell("forecast", "Spring") == 0
    first, second = shell.printed.splitlines()
    assert first.endswith("4  ana@x 3, ben@x 1") and second.endswith("2  ana@x 2")
    for part in ("2 late mails", "1 mail held", "5 mails due"):
        assert part in shell.said
    assert asked(shell, m.GetForecast) == m.GetForecast("s1", 24)
    shell.front.answers[m.GetForecast] = Forecast(AT, 5, (), 0, None, 0, 0)
    assert shell("forecast", "--hours", "5") == 0
    assert "Nothing is expected to leave in the next 5 hours." in shell.said
    assert shell("forecast", "--json") == 0
    assert json.loads(shell.printed)["cells"] == []
