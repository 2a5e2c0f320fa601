"""Settings → Providers: both client IDs given, tested, replaced, removed, and every fault said in place."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from reply_desktop.channel import messages as m
from reply_desktop.domain import events
from reply_desktop.domain.errors import InvalidInput, NotConfigured
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.provider_setup import CLOUDS
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.ui.bridge import Bridge
from reply_desktop.ui.settings_providers import ProvidersPage
from tests.fakes.engine import FakeEngine

Open = Callable[[FakeEngine], Bridge]

CLIENT = "482190337715-k3v9mp.apps.googleusercontent.com"
GUID = "7c1e1a52-9d3f-4f0e-8a86-2b0d5a1f6c33"


class ProvidersEngine(FakeEngine):
    """Keeps providers as the engine does."""

    def __init__(self, *, configured: bool) -> None:
        super().__init__(configured=configured)
        self.kept = {
            Provider.GOOGLE: self._row(
                Provider.GOOGLE, CLIENT if configured else None, has_secret=configured
            ),
            Provider.MICROSOFT: self._row(Provider.MICROSOFT, GUID if configured else None),
        }
        self.answers = {
            m.ListProviders: lambda _: m.ProviderList(tuple(self.kept.values())),
            m.SetGoogle: self._set_google,
            m.SetMicrosoft: self._set_microsoft,
            m.ClearProvider: self._clear,
        }

    @staticmethod
    def _row(provider: Provider, client: str | None, **fields: Any) -> ProviderRow:
        canned = {"authority": None, "graph_url": None, "has_secret": False, "used_by": 2}
        return ProviderRow(provider, configured=client is not None, client_id=client, **(canned | fields))

    def _put(self, row: ProviderRow) -> ProviderRow:
        self.kept[row.provider] = row
        self.push(events.ProviderChanged(row.provider))
        return row

    def _set_google(self, asked: m.SetGoogle) -> ProviderRow:
        client = json.loads(asked.client_secret_json)["installed"]["client_id"]
        return self._put(self._row(Provider.GOOGLE, client, has_secret=True))

    def _set_microsoft(self, asked: m.SetMicrosoft) -> ProviderRow:
        fields = {"authority": asked.authority, "graph_url": asked.graph_url}
        return self._put(self._row(Provider.MICROSOFT, asked.client_id, **fields))

    def _clear(self, asked: m.ClearProvider) -> m.Done:
        self._put(self._row(asked.provider, None))
        return m.Done()


@pytest.fixture
def open_page(qtbot: QtBot, open_bridge: Open) -> Callable[[FakeEngine], ProvidersPage]:
    held: list[ProvidersPage] = []

    def opened(engine: FakeEngine) -> ProvidersPage:
        page = ProvidersPage(open_bridge(engine), open_in_browser=lambda url: True)
        held.append(page)
        qtbot.addWidget(page)
        page.resize(900, 700)
        page.show()
        qtbot.waitUntil(lambda: page.google.row is not None and page.microsoft.row is not None)
        return page

    return opened


Page = Callable[[FakeEngine], ProvidersPage]


def test_a_newcomer_sees_where_to_drop_the_file(open_page: Page) -> None:
    page = open_page(ProvidersEngine(configured=False))
    assert page.google.drop.isVisible()
    assert not page.google.test.isVisible()
    assert not page.google.facts.isVisible()
    assert page.google.status.text() == page.microsoft.status.text() == "Not set up yet"


def test_a_given_file_is_shown_as_what_it_is(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=False)
    page = open_page(engine)
    text = json.dumps({"installed": {"client_id": CLIENT, "client_secret": "GOCSPX-secret"}})
    page.google.drop.given.emit(text)
    qtbot.waitUntil(lambda: page.google.facts.isVisible())
    assert engine.of(m.SetGoogle) == [m.SetGoogle(text)]
    shown = [label.text() for label in page.google.facts.findChildren(type(page.google.status))]
    assert shown == [
        "Client ID", CLIENT, "Project number", "482190337715", "Client secret", "Kept in the vault",
        "Used by", "2 accounts",
    ]  # fmt: skip
    assert not page.google.drop.isVisible()
    assert page.google.said.startswith("Google is set up.")
    assert "GOCSPX" not in "".join(shown) + page.google.said


def test_a_refused_file_says_why_and_what_to_do(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=False)
    engine.errors[m.SetGoogle] = InvalidInput(
        "This client is of type “Web application”.", "Make a Desktop app."
    )
    page = open_page(engine)
    page.google.drop.given.emit("{}")
    qtbot.waitUntil(lambda: "Web application" in page.google.said)
    assert page.google.said.endswith("Make a Desktop app.")
    assert page.google.drop.isVisible()


def test_a_file_that_cannot_be_read_is_named(open_page: Page) -> None:
    page = open_page(ProvidersEngine(configured=False))
    page.google.drop.refused.emit("x.json cannot be read: Permission denied.")
    assert page.google.said
    assert page.google.said == "x.json cannot be read: Permission denied."


def test_replacing_can_be_given_up(open_page: Page) -> None:
    page = open_page(ProvidersEngine(configured=True))
    page.google.replace.click()
    assert page.google.drop.isVisible()
    assert not page.google.test.isVisible()
    page.google.cancel.click()
    assert not page.google.drop.isVisible()
    assert page.google.test.isVisible()


@pytest.mark.parametrize("provider", [Provider.GOOGLE, Provider.MICROSOFT])
def test_removing_asks_first_and_names_the_loss(qtbot: QtBot, open_page: Page, provider: Provider) -> None:
    engine = ProvidersEngine(configured=True)
    page = open_page(engine)
    card = page.google if provider is Provider.GOOGLE else page.microsoft
    card.remove.click()
    assert card.question.isVisible()
    assert "2 accounts cannot be checked or send" in card._question.text()
    card._keep.click()
    assert not card.question.isVisible()
    assert engine.of(m.ClearProvider) == []
    card.remove.click()
    card._sure.click()
    qtbot.waitUntil(lambda: card.status.text() == "Not set up yet")
    assert engine.of(m.ClearProvider) == [m.ClearProvider(provider)]


@pytest.mark.parametrize("provider", [Provider.GOOGLE, Provider.MICROSOFT])
def test_the_test_says_what_the_provider_said(qtbot: QtBot, open_page: Page, provider: Provider) -> None:
    engine = ProvidersEngine(configured=True)
    engine.answers[m.TestProvider] = m.ProviderTested(None, None, "The provider knows this client ID.")
    page = open_page(engine)
    card = page.google if provider is Provider.GOOGLE else page.microsoft
    card.test.click()
    assert not card.test.isEnabled()
    qtbot.waitUntil(card.test.isEnabled)
    assert card.said == "The provider knows this client ID."
    engine.answers[m.TestProvider] = m.ProviderTested("app_deleted", "deleted_client\n<b>", "It was deleted.")
    card.test.click()
    qtbot.waitUntil(lambda: card.said.startswith("It was deleted."))
    assert card.said.endswith("says: deleted_client <b>")
    engine.errors[m.TestProvider] = NotConfigured("There is no client ID to test yet.", "Give one first.")
    card.test.click()
    qtbot.waitUntil(lambda: card.said == "There is no client ID to test yet. Give one first.")
    assert card.test.isEnabled()


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5, 6])
def test_each_cloud_is_saved_with_its_addresses(qtbot: QtBot, open_page: Page, number: int) -> None:
    engine = ProvidersEngine(configured=False)
    card = open_page(engine).microsoft
    card.client_id.setText(f"  {GUID} ")
    card.cloud.setCurrentIndex(number)
    card.save.click()
    qtbot.waitUntil(lambda: card.status.text() == "Set up")
    cloud = CLOUDS[number]
    addresses = (None, None) if number == 0 else (cloud.authority, cloud.graph_url)
    assert engine.of(m.SetMicrosoft) == [m.SetMicrosoft(GUID, *addresses)]
    assert card.cloud.currentIndex() == number


def test_one_tenant_needs_its_name(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=False)
    card = open_page(engine).microsoft
    card.client_id.setText(GUID)
    card.cloud.setCurrentIndex(3)
    assert card.tenant.isVisible()
    for wrong in ("", "a/b", "con toso"):
        card.tenant.setText(wrong)
        card.save.click()
        assert "tenant" in card.said
        assert card.tenant.property("wrong") is True
    assert engine.of(m.SetMicrosoft) == []
    card.tenant.setText("contoso.example")
    card.save.click()
    qtbot.waitUntil(lambda: card.status.text() == "Set up")
    assert engine.of(m.SetMicrosoft)[0].authority == "https://login.microsoftonline.com/contoso.example"
    assert (card.cloud.currentIndex(), card.tenant.text()) == (3, "contoso.example")


def test_an_address_of_no_preset_stays_what_it_is(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=True)
    engine.kept[Provider.MICROSOFT] = engine._row(
        Provider.MICROSOFT,
        GUID,
        authority="https://login.corp.example/x",
        graph_url="https://graph.corp.example",
    )
    card = open_page(engine).microsoft
    assert card.cloud.currentIndex() == len(CLOUDS)
    assert card.authority.isVisible()
    card.save.click()
    qtbot.waitUntil(lambda: bool(engine.of(m.SetMicrosoft)))
    assert engine.of(m.SetMicrosoft) == [
        m.SetMicrosoft(GUID, "https://login.corp.example/x", "https://graph.corp.example")
    ]


def test_a_refused_client_id_is_marked_until_it_is_changed(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=False)
    card = open_page(engine).microsoft
    card.save.click()
    assert "client ID is missing" in card.said
    engine.errors[m.SetMicrosoft] = InvalidInput("“secret~value” is not a Microsoft client ID.", "Copy it.")
    card.client_id.setText("secret~value")
    card.save.click()
    qtbot.waitUntil(lambda: "is not a Microsoft client ID" in card.said)
    assert card.client_id.property("wrong") is True
    assert card.save.isEnabled()
    qtbot.keyClicks(card.client_id, "x")
    assert card.client_id.property("wrong") is False


def test_changes_from_elsewhere_are_shown(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=False)
    page = open_page(engine)
    engine._put(engine._row(Provider.MICROSOFT, GUID))
    qtbot.waitUntil(lambda: page.microsoft.client_id.text() == GUID)


def test_without_the_engine_nothing_can_be_pressed(qtbot: QtBot, open_page: Page) -> None:
    engine = ProvidersEngine(configured=True)
    page = open_page(engine)
    engine.stop()
    qtbot.waitUntil(lambda: not page.google.isEnabled())
    engine.up = True
    qtbot.waitUntil(page.google.isEnabled)


def test_a_card_is_brought_into_view(open_page: Page) -> None:
    page = open_page(ProvidersEngine(configured=True))
    page.show_provider(Provider.MICROSOFT)
    assert page.microsoft.client_id.hasFocus() or page.focusWidget() is page.microsoft.client_id
    page.show_provider(Provider.OTHER)


def test_every_control_has_a_name(open_page: Page) -> None:
    page = open_page(ProvidersEngine(configured=True))
    for control in (
        *page.findChildren(QAbstractButton),
        *page.findChildren(QLineEdit),
        *page.findChildren(QComboBox),
    ):
        text = control.text() if isinstance(control, QAbstractButton) else ""
        assert control.accessibleName() or text, control
