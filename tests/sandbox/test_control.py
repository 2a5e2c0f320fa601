"""The client of the control API, and the table of controls."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import reply_desktop.sandbox.control as module
from reply_desktop.domain.provider import Provider
from reply_desktop.sandbox.control import (
    CONTROLS,
    Control,
    ControlRefused,
    Door,
    Level,
    SandboxControl,
    level_of,
)
from reply_desktop.sandbox.process import Sandbox
from tests.sandbox.callers import ANA, GINA, web


def test_targets() -> None:
    assert [level_of(each) for each in ("*", "google", "ana@harbor.example")] == [
        Level.WORLD,
        Level.PROVIDER,
        Level.MAILBOX,
    ]


def test_the_state_tells_conditions_as_they_were_applied(control: SandboxControl) -> None:
    control.apply(Control.THROTTLE, ANA, times=3, retry_after_s=7, where=[Door.TOKEN])
    (condition,) = control.state().conditions
    assert (condition.control, condition.target, condition.times) == (Control.THROTTLE, ANA, 3)
    assert condition.params == {"retry_after_s": 7, "where": ["token"]} and condition.since.tzinfo is not None
    control.clear(Control.THROTTLE, ANA)
    assert control.state().conditions == ()


@pytest.mark.parametrize(
    ("name", "target", "params", "words"),
    [
        (Control.OFFLINE, ANA, {}, "cannot be aimed"),
        (Control.REMOVE_ACCESS, "nobody@x.example", {}, "No mailbox"),
        (Control.THROTTLE, "*", {"wrong": 1}, "has no wrong"),
        (Control.THROTTLE, "*", {"times": 0}, "times must be 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    control: SandboxControl, name: Control, target: str, params: dict[str, int], words: str
) -> None:
    with pytest.raises(ControlRefused, match=words):
        control.apply(name, target, **params)


def test_mailboxes_can_be_added(control: SandboxControl) -> None:
    control.add_mailbox(Provider.MICROSOFT, "Hanna@Other.example", name="Hanna", kind="personal")
    (made,) = [each for each in control.state().mailboxes if each.address == "hanna@other.example"]
    assert (made.provider, made.name, made.kind, made.grants) == (Provider.MICROSOFT, "Hanna", "personal", 0)
    with pytest.raises(ControlRefused, match="not a mail address"):
        control.add_mailbox(Provider.OTHER, "nothing")


def test_only_other_mailboxes_have_a_password(control: SandboxControl) -> None:
    assert control.password(GINA)
    with pytest.raises(ControlRefused, match="No Other mailbox"):
        control.password(ANA)


def test_visits_can_be_waited_for(sandbox: Sandbox, control: SandboxControl) -> None:
    after = control.state().visits
    assert control.visits(after=after, wait_s=0.01) == ()
    with web(sandbox) as session:
        session.get(sandbox.google_userinfo_uri, timeout=10)
    (seen,) = control.visits(after=after, door=Door.API, wait_s=10)
    assert (seen.provider, seen.status, seen.mailbox, seen.what) == (Provider.GOOGLE, 401, None, "userinfo")
    assert control.visits(after=after, mailbox=ANA) == ()


def test_a_wrong_key_gets_nothing(sandbox: Sandbox) -> None:
    for key in ("", "wrong"):
        stranger = SandboxControl(sandbox.control_url, key)
        with pytest.raises(ControlRefused, match="key"):
            stranger.state()
        with pytest.raises(ControlRefused, match="key"):
            stranger.shutdown()


def test_a_sandbox_that_is_gone_is_an_os_error(sandbox: Sandbox) -> None:
    gone = replace(sandbox, control_url="http://127.0.0.1:1")
    with pytest.raises(OSError, match="refused"):
        gone.control().state()


def test_a_message_that_is_not_there(control: SandboxControl) -> None:
    with pytest.raises(ControlRefused, match="no such message"):
        control.raw_message(999_999)


def test_the_client_is_light() -> None:
    code = "import sys, reply_desktop.sandbox.control, reply_desktop.sandbox.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint(
        {"flask", "authlib", "requests", "uvicorn", "cryptography", "trustme", "asyncio"}
    )


def test_every_control_is_used_by_a_stand_in() -> None:
    assert module.__file__ is not None
    used = set()
    for path in Path(module.__file__).parent.glob("*.py"):
        if path.name in ("control.py", "seed.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "Control"
            ):
                used.add(Control[node.attr])
    assert used == set(Control) == set(CONTROLS)
