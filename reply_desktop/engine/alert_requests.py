"""Carries out what fronts ask of alerts: each request to one service call. Nothing is decided here."""

from collections.abc import Callable, Sequence
from typing import Any

from reply_desktop.channel import messages as m
from reply_desktop.domain.rows import TeamChannelRow
from reply_desktop.services.alert_mail import AlertMail
from reply_desktop.services.team_channels import TeamChannels
from reply_desktop.services.tray_channel import TrayChannel

Table = dict[type, Callable[[Any], object]]


def table(tray: TrayChannel, mail: AlertMail, team: TeamChannels) -> Table:
    """Request class → what answers it."""
    return {
        m.ListAlerts: lambda r: m.AlertList(tuple(tray.due())),
        m.ClaimAlerts: lambda r: m.ClaimedAlerts(tuple(tray.claim(r.ids))),
        m.GetAlertMail: lambda r: mail.row(),
        m.PutRelay: lambda r: mail.put_relay(r.server, r.sender, r.user, r.password),
        m.ClearRelay: lambda r: mail.clear_relay(),
        m.TestAlertMail: lambda r: m.AlertTested(mail.test()),
        m.ListTeamChannels: lambda r: _teams(team.rows()),
        m.AddTeamChannel: lambda r: _teams(team.add(r.name, r.url)),
        m.SwitchTeamChannel: lambda r: _teams(team.switch(r.channel, r.enabled)),
        m.RemoveTeamChannel: lambda r: _teams(team.remove(r.channel)),
        m.TestTeamChannel: lambda r: m.AlertTested(team.test(r.channel)),
    }


def _teams(rows: Sequence[TeamChannelRow]) -> m.TeamChannelList:
    return m.TeamChannelList(tuple(rows))
