"""The front's half of the doctor says what this desktop has."""

import pytest

from reply_desktop.cli.doctor import examine_alert_mail, examine_desktop
from reply_desktop.domain.rows import AlertMailRow, DoctorRow


def found() -> dict[str, DoctorRow]:
    return {row.name: row for row in examine_desktop()}


def test_without_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    rows = found()
    assert not rows["tray"].ok and not rows["notifications"].ok and not rows["display"].ok
    assert not any(row.required for row in rows.values() if not row.ok)
    assert all(row.fix for row in rows.values() if not row.ok)


def test_browser_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "firefox")
    assert found()["browser"].finding == "BROWSER=firefox"
    monkeypatch.delenv("BROWSER")
    monkeypatch.setenv("PATH", "/nowhere")
    assert not found()["browser"].ok


@pytest.mark.parametrize(
    ("mail", "ok", "required", "says"),
    [
        (AlertMailRow("", None, None, 0, 0, 10), False, False, "no address given"),
        (AlertMailRow("", "a@b.cc", None, 0, 0, 10), False, False, "no address given"),
        (AlertMailRow("me@b.cc", None, None, 0, 0, 10), False, True, "nothing can send to me@b.cc now"),
        (AlertMailRow("me@b.cc", None, None, 4, 0, 10), False, True, "now; 4 waiting to be told"),
        (AlertMailRow("me@b.cc", "a@b.cc", None, 0, 0, 10, "Refused."), False, True, "Refused."),
        (
            AlertMailRow("me@b.cc", "a@b.cc", None, 4, 3, 3),
            False,
            True,
            "3 sent in the last 24 hours, the most",
        ),
        (AlertMailRow("me@b.cc", "a@b.cc", None, 1, 0, 10), True, True, "to me@b.cc, through a@b.cc"),
    ],
)
def test_alert_mail(mail: AlertMailRow, ok: bool, required: bool, says: str) -> None:
    row = examine_alert_mail(mail)
    assert (row.name, row.ok, row.required) == ("alert e-mail", ok, required)
    assert says in row.finding and bool(row.fix) is not ok


@pytest.mark.desktop
def test_in_a_session(desktop: object) -> None:
    rows = found()
    assert rows["tray"].ok and rows["notifications"].ok and rows["display"].ok
