"""Requests on alerts reach their service, and each answer is of the class its request promises."""

import json
from dataclasses import replace
from datetime import UTC

import pytest

from reply_desktop.adapters import mail
from reply_desktop.channel import messages as m
from reply_desktop.domain.alert_words import team_text
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.grant import MailServer, Password, Security
from reply_desktop.domain.preferences import EMAIL_TO
from reply_desktop.domain.rows import RelayRow
from reply_desktop.domain.states import State
from reply_desktop.engine.alert_requests import table
from reply_desktop.services.alert_mail import AlertMail
from reply_desktop.services.alert_ports import Handed, HandedState
from reply_desktop.services.relay import Relay
from reply_desktop.services.sealed_settings import SealedSettings
from reply_desktop.services.team_channels import TeamChannels
from reply_desktop.services.tray_channel import TrayChannel
from tests.fakes.world import World

SERVER = MailServer("relay.example.com", 587, Security.STARTTLS)
URL = "slack://secret"


class Sender:
    """Takes every address and every message."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    def examine(self, url: str) -> tuple[str, str, str]:
        return url, "Slack", "slack://…"

    def post(self, url: str, title: str, text: str) -> Handed:
        self.posted.append(url)
        return Handed(HandedState.TOLD)


class Asked:
    """The table over services on fakes, checking the class of every answer."""

    def __init__(self) -> None:
        world = self.world = World()
        self.sender = Sender()
        self.table = table(
            TrayChannel(world.store, world.announcer, world.bus, world.clock),
            AlertMail(
                world.store, world.credentials, world.providers, world.health,
                Relay(SealedSettings(world.store, world.vault), world.providers, world.clock),
                world.settings.preferences, world.bus, world.clock, mail, lambda: UTC, world.new_id,
            ),
            TeamChannels(
                world.store, world.vault, world.bus, world.clock, self.sender, team_text, world.new_id
            ),
        )  # fmt: skip

    def __call__(self, request: object) -> object:
        answer = self.table[type(request)](request)
        assert isinstance(answer, type(request).Answer)  # type: ignore[attr-defined]
        return answer


@pytest.fixture
def ask() -> Asked:
    return Asked()


def test_alerts_are_listed_and_given_out_once(ask: Asked) -> None:
    ask.world.add("ana")
    before = ask.world.account("ana")
    ask.world.ledger.change(before, replace(before, state=State.EXPIRED, cause=Cause.GRANT_REVOKED))
    listed = ask(m.ListAlerts())
    assert isinstance(listed, m.AlertList)
    (row,) = listed.rows
    assert ask(m.ClaimAlerts((row.id, "unknown"))) == m.ClaimedAlerts((row.id,))
    assert ask(m.ClaimAlerts((row.id,))) == m.ClaimedAlerts(())
    assert ask(m.ListAlerts()) == m.AlertList(())


def test_the_relay_is_put_shown_and_cleared(ask: Asked) -> None:
    relay = RelayRow(SERVER, "robot", "alerts@example.com", True)
    put = ask(m.PutRelay(SERVER, "alerts@example.com", "robot", "secret 1"))
    assert put == ask(m.GetAlertMail())
    assert put.relay == relay  # type: ignore[attr-defined]
    assert ask.world.other.probes == [("relay", Password("secret 1"), True)]
    assert ask(m.ClearRelay()).relay is None  # type: ignore[attr-defined]


def test_a_test_mail_says_through_what(ask: Asked) -> None:
    with pytest.raises(InvalidInput, match="No address"):
        ask(m.TestAlertMail())
    ask.world.settings.put({EMAIL_TO: json.dumps("me@example.com")})
    ask.world.add("ben")
    assert ask(m.TestAlertMail()) == m.AlertTested("Sent to me@example.com through ben@example.com.")


def test_team_channels_are_added_switched_tested_and_removed(ask: Asked) -> None:
    added = ask(m.AddTeamChannel("#ops", URL))
    assert isinstance(added, m.TeamChannelList)
    assert [(row.name, row.enabled) for row in added.rows] == [("#ops", True)]
    assert ask(m.ListTeamChannels()) == added
    off = ask(m.SwitchTeamChannel("#ops", False))
    assert off == m.TeamChannelList((replace(added.rows[0], enabled=False),))
    assert ask(m.TestTeamChannel("#ops")) == m.AlertTested("Sent to “#ops” (Slack).")
    assert ask.sender.posted == [URL]
    assert ask(m.RemoveTeamChannel(added.rows[0].id)) == m.TeamChannelList(())


def test_every_request_of_alerts_is_there(ask: Asked) -> None:
    named = ("Alert", "Relay", "TeamChannel")
    known = {kind for name, kind in m.REQUESTS.items() if any(word in name for word in named)}
    assert known == ask.table.keys()
