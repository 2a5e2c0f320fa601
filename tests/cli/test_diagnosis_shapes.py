"""A diagnosis on the command line: JSON that stays as documented, and lines that say what to type."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from reply_desktop.channel import messages as m
from reply_desktop.cli import diagnosis_shapes, parser
from reply_desktop.cli.commands import Commands
from reply_desktop.cli.front import Front
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.diagnosis import Diagnosis
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.states import State
from tests.cli.test_console import Screen
from tests.fakes.engine import NOW, FakeEngine, few_sequences, row
from tests.fakes.shell import ScriptedFront, Shell

SAID = "invalid_grant: AADSTS90094: needs an administrator"


def made(cause: Cause | None = Cause.ADMIN_CONSENT, provider: Provider = Provider.MICROSOFT) -> Diagnosis:
    state = State.BLOCKED if cause else State.CONNECTED
    one = row(
        1,
        "ana@x.example",
        provider=provider,
        state=state,
        cause=cause,
        provider_error=SAID if cause else None,
    )
    return FakeEngine([one], sequences=few_sequences()).diagnosis(one)


def test_the_json_has_the_documented_fields() -> None:
    shape = diagnosis_shapes.diagnosis(made())
    assert json.loads(json.dumps(shape)) == shape
    documented = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    part = documented.partition("`accounts diagnose`:")[2].partition("`providers list`")[0]
    assert [name for name in shape if f'"{name}"' not in part] == []
    assert shape["provider_code"] == "AADSTS90094" and shape["who_fixes"] == "admin"
    assert [step["action"] for step in shape["steps"]] == ["copy_report", None, "check"]
    assert shape["made_at"] == "2026-03-03T10:00:00Z"


def test_the_lines_say_what_to_type() -> None:
    text = "\n".join(diagnosis_shapes.lines(made(), NOW + timedelta(minutes=1)))
    for said in (
        "ana@x.example: Administrator must approve the app",
        "reply-desktop accounts diagnose ana@x.example --report",
        "/x.example/v2.0/adminconsent?",
        "reply-desktop check ana@x.example",
        f"The provider said: {SAID}",
        "https://login.microsoftonline.com/error?code=90094",
    ):
        assert said in text, said


def test_an_account_that_is_well_takes_few_lines() -> None:
    text = "\n".join(diagnosis_shapes.lines(made(None), NOW))
    assert "Nothing is wrong" in text and "How to mend it" not in text and "Reasons" not in text


@pytest.mark.parametrize("form", [(), ("--json",), ("--report",)])
def test_the_command_prints_one_of_three_forms(shell: Shell, form: tuple[str, ...]) -> None:
    diagnosis = made()
    shell.front.answers[m.GetDiagnosis] = diagnosis
    assert shell("accounts", "diagnose", "ana@x.example", *form) == 0
    assert shell.front.asked == [m.GetDiagnosis("ana@x.example")]
    if form == ("--json",):
        assert json.loads(shell.printed)["cause"] == "admin_consent"
    elif form == ("--report",):
        assert shell.printed == diagnosis.report
    else:
        assert "How to mend it" in shell.printed


def test_all_that_is_for_reading_fits_a_screen(shell: Shell) -> None:
    shell.front.answers[m.GetDiagnosis] = made(Cause.GRANT_REVOKED, Provider.GOOGLE)
    assert shell("accounts", "diagnose", "ana@x.example") == 0
    long = [line for line in shell.printed.splitlines() if len(line) > 80]
    assert all(line.strip().startswith(("https://", "reply-desktop ")) for line in long)
    assert "\n\nReasons it may have:\n" in shell.printed


def test_the_report_is_folded_for_a_screen_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    diagnosis = made()
    front = ScriptedFront({m.GetDiagnosis: diagnosis})
    args = parser.build().parse_args(["accounts", "diagnose", "ana@x.example", "--report"])
    for out, folded in ((io.StringIO(), False), (Screen(), True)):
        assert Commands(lambda: cast(Front, front), lambda _: True, lambda: NOW, out=out).run(args) == 0
        assert (out.getvalue() != diagnosis.report) is folded
        assert out.getvalue().split() == diagnosis.report.split()


def test_json_and_report_are_not_both() -> None:
    with pytest.raises(SystemExit):
        Shell()("accounts", "diagnose", "ana@x.example", "--json", "--report")
