"""Settings → Providers: the person's own client IDs, given, tested, replaced and removed."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QFormLayout, QFrame, QLabel, QLineEdit, QWidget

from reply_desktop.channel.messages import (
    ClearProvider,
    ListProviders,
    ProviderList,
    ProviderTested,
    SetGoogle,
    SetMicrosoft,
    TestProvider,
)
from reply_desktop.domain.errors import ReplyDesktopError
from reply_desktop.domain.events import ProviderChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES, Provider
from reply_desktop.domain.provider_setup import CLOUDS, SETUP_STEPS, TENANT, cloud_of
from reply_desktop.domain.rows import ProviderRow
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.browser import OpenPage, open_page
from reply_desktop.ui.controls import Disclosure, button, column, hairline, line, wrapped
from reply_desktop.ui.drop_zone import DropZone
from reply_desktop.ui.page import Card, Page
from reply_desktop.ui.setup_help import Facts, steps_list
from reply_desktop.ui.theme import Space, Type
from reply_desktop.ui.words import count

OTHER_ADDRESS: Final = "Other address…"
"""The choice for an authority that is no preset."""


class ProvidersPage(Page):
    """Both cards. `show_provider` brings one into view."""

    def __init__(
        self, bridge: Bridge, parent: QWidget | None = None, *, open_in_browser: OpenPage = open_page
    ) -> None:
        super().__init__(
            "Providers",
            "Google and Microsoft let an app in by its client ID. Give your own, once for all accounts.",
            parent,
        )
        self._bridge = bridge
        self.google = GoogleCard(bridge, open_in_browser)
        self.microsoft = MicrosoftCard(bridge, open_in_browser)
        self._cards_by: dict[Provider, ProviderCard] = {
            Provider.GOOGLE: self.google,
            Provider.MICROSOFT: self.microsoft,
        }
        for card in self._cards_by.values():
            self.add(card)
        self.add(_other_card())
        bridge.provider_changed.connect(self._on_changed)
        bridge.engine_changed.connect(self._on_engine)
        self._on_engine(bridge.engine)

    def show_provider(self, provider: Provider) -> None:
        """Scroll to the provider's card and put the focus into it."""
        if (card := self._cards_by.get(provider)) is not None:
            self.area.ensureWidgetVisible(card, 0, 0)
            card.take_focus()

    def _on_engine(self, state: EngineState) -> None:
        for card in self._cards_by.values():
            card.setEnabled(state is EngineState.RUNNING)
        if state is EngineState.RUNNING:
            self._bridge.ask(ListProviders(), self._on_list)

    def _on_changed(self, event: ProviderChanged) -> None:
        self._bridge.ask(ListProviders(), self._on_list)

    def _on_list(self, answer: ProviderList) -> None:
        for row in answer.rows:
            if (card := self._cards_by.get(row.provider)) is not None:
                card.show_row(row)


class ProviderCard(Card):
    """What both cards share: status, test, removal with a question, help, one place for errors."""

    def __init__(self, provider: Provider, about: str, bridge: Bridge, open_in_browser: OpenPage) -> None:
        mark = QLabel()
        icons.put_icon(mark, icons.PROVIDER_ICONS[provider], side=20)
        super().__init__(PROVIDER_NAMES[provider], about, mark)
        self.provider, self._bridge, self._open = provider, bridge, open_in_browser
        self.row: ProviderRow | None = None
        name = PROVIDER_NAMES[provider]
        self._status_mark, self.status = QLabel(), theme.label("", Type.CAPTION, strong=True)
        self.head.addWidget(self._status_mark)
        self.head.addWidget(self.status)
        self.test = button("Test", self._on_test, icon="plug")
        self.test.setAccessibleName(f"Test the {name} client ID")
        self.remove = button("Remove…", self._on_remove, kind="quiet", icon="trash")
        self.remove.setAccessibleName(f"Remove the {name} client ID")
        self._question = wrapped()
        self._sure = button("Remove", self._on_sure, kind="danger")
        self._keep = button("Keep", self._on_keep)
        self.question = QFrame()
        self.question.setProperty("note", "red")
        asked = line(self.question, margin=Space.M)
        asked.addWidget(self._question, 1)
        asked.addWidget(self._keep)
        asked.addWidget(self._sure)
        self.question.hide()

    def finish(self, *, title: str) -> None:
        """The lower end of the card, when the provider's own part stands."""
        self.body.addWidget(self.question)
        self.tell("")
        self.body.addWidget(hairline())
        self.help = Disclosure(title, steps_list(SETUP_STEPS[self.provider], self._open))
        self.body.addWidget(self.help)

    def take_focus(self) -> None:
        """Put the focus where the next thing is done."""
        self.test.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_row(self, row: ProviderRow) -> None:
        """Show how the provider is set up."""
        self.row = row
        icons.put_icon(
            self._status_mark,
            "check" if row.configured else "info",
            "green.ink" if row.configured else "muted",
        )
        self.status.setText("Set up" if row.configured else "Not set up yet")
        theme.mark(self.status, "tone", "green" if row.configured else "muted")
        self.test.setVisible(row.configured)
        self.remove.setVisible(row.configured)
        self.question.hide()

    def _on_test(self) -> None:
        self.test.setEnabled(False)
        self.tell(f"Asking {PROVIDER_NAMES[self.provider]}…", "grey")
        self._bridge.ask(TestProvider(self.provider), self._on_tested, self._on_test_failed)

    def _on_tested(self, answer: ProviderTested) -> None:
        self.test.setEnabled(True)
        said = plain(answer.provider_error or "", 300)
        theirs = f"\n{PROVIDER_NAMES[self.provider]} says: {said}" if said else ""
        self.tell(answer.text + theirs, "green" if answer.cause is None else "red")

    def _on_test_failed(self, error: ReplyDesktopError) -> None:
        self.test.setEnabled(True)
        self.refused(error)

    def _on_remove(self) -> None:
        used = self.row.used_by if self.row else 0
        hit = f" {count(used, 'account')} cannot be checked or send until there is one again." if used else ""
        self._question.setText(f"Remove the {PROVIDER_NAMES[self.provider]} client ID?{hit}")
        self.question.show()
        self._keep.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_keep(self) -> None:
        self.question.hide()
        self.remove.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_sure(self) -> None:
        self.question.hide()
        self._bridge.ask(ClearProvider(self.provider), lambda _: self.tell(""), self.refused, owner=self)


class GoogleCard(ProviderCard):
    """Google: the `client_secret.json` as the console gives it, and nothing else."""

    def __init__(self, bridge: Bridge, open_in_browser: OpenPage) -> None:
        super().__init__(
            Provider.GOOGLE, "For Gmail and Google Workspace mailboxes.", bridge, open_in_browser
        )
        self.drop = DropZone()
        self.drop.given.connect(self._on_given)
        self.drop.refused.connect(lambda text: self.tell(text, "red"))
        self.choose = button("Choose file…", self._on_choose, kind="primary")
        self.paste = button("Paste", self.drop.paste)
        self.paste.setAccessibleName("Paste the text of client_secret.json")
        self._build_drop()
        self.facts = Facts()
        self.replace = button("Replace…", self._on_replace, icon="refresh")
        self.replace.setAccessibleName("Replace the Google client file")
        self.cancel = button("Cancel", self._on_cancel, kind="quiet")
        self._buttons = line()
        for part in (self.test, self.replace, self.cancel):
            self._buttons.addWidget(part)
        self._buttons.addStretch(1)
        self._buttons.addWidget(self.remove)
        self.body.addWidget(self.facts)
        self.body.addWidget(self.drop)
        self.body.addLayout(self._buttons)
        self.finish(title="How to get a client_secret.json")
        self._show_parts(configured=False, replacing=False)

    def take_focus(self) -> None:
        """The file is the next thing, or the test."""
        (self.choose if self.drop.isVisible() else self.test).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_row(self, row: ProviderRow) -> None:
        """Show the client, or the place to drop one."""
        super().show_row(row)
        client = row.client_id or ""
        number, _, rest = client.partition("-")
        self.facts.put(
            ("Client ID", client, True),
            ("Project number", number if number.isdigit() and rest else "", True),
            ("Client secret", "Kept in the vault" if row.has_secret else "", False),
            ("Used by", count(row.used_by, "account"), False),
        )
        self._show_parts(configured=row.configured, replacing=False)

    def _build_drop(self) -> None:
        inside = column(self.drop, margin=Space.L, gap=Space.M)
        inside.addStretch(1)
        middle = Qt.AlignmentFlag.AlignHCenter
        title = theme.label("Drop client_secret.json here", strong=True)
        inside.addWidget(title, 0, middle)
        row = line()
        row.addStretch(1)
        row.addWidget(self.choose)
        row.addWidget(self.paste)
        row.addStretch(1)
        inside.addLayout(row)
        inside.addStretch(1)

    def _show_parts(self, *, configured: bool, replacing: bool) -> None:
        self.facts.setVisible(configured)
        self.drop.setVisible(not configured or replacing)
        self.test.setVisible(configured and not replacing)
        self.replace.setVisible(configured and not replacing)
        self.remove.setVisible(configured and not replacing)
        self.cancel.setVisible(replacing)

    def _on_replace(self) -> None:
        self.tell("")
        self._show_parts(configured=True, replacing=True)
        self.choose.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_cancel(self) -> None:
        self.tell("")
        self._show_parts(configured=True, replacing=False)
        self.replace.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Choose the client file", "", "Client file (*.json);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.drop.take_file(Path(name)))
        dialog.open()

    def _on_given(self, text: str) -> None:
        self.tell("Reading…", "grey")
        self._bridge.ask(SetGoogle(text), self._on_set, self.refused)

    def _on_set(self, row: ProviderRow) -> None:
        self.show_row(row)
        self.tell("Google is set up. Press Test to ask Google whether it knows this client ID.", "green")
        self.test.setFocus(Qt.FocusReason.OtherFocusReason)


class MicrosoftCard(ProviderCard):
    """Microsoft: a client ID, who may sign in, and for national clouds the addresses."""

    def __init__(self, bridge: Bridge, open_in_browser: OpenPage) -> None:
        super().__init__(
            Provider.MICROSOFT, "For Microsoft 365 and Outlook.com mailboxes.", bridge, open_in_browser
        )
        self.client_id = QLineEdit()
        self.client_id.setPlaceholderText("00000000-0000-0000-0000-000000000000")
        self.client_id.setMaxLength(64)
        self.cloud = QComboBox()
        self.cloud.addItems([cloud.name for cloud in CLOUDS] + [OTHER_ADDRESS])
        self.tenant = QLineEdit()
        self.tenant.setPlaceholderText("contoso.onmicrosoft.com or the tenant ID")
        self.authority = QLineEdit()
        self.graph_url = QLineEdit()
        self.save = button("Save", self._on_save, kind="primary")
        self.save.setAccessibleName("Save the Microsoft settings")
        self.used = theme.label("", muted=True)
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setHorizontalSpacing(Space.L)
        self._form.setVerticalSpacing(Space.M)
        self._form.setContentsMargins(0, 0, 0, 0)
        for name, field in (
            ("Application (client) ID", self.client_id),
            ("Who may sign in", self.cloud),
            ("Tenant", self.tenant),
            ("Authority", self.authority),
            ("Graph address", self.graph_url),
        ):
            title = theme.label(name)
            title.setBuddy(field)
            title.setMinimumHeight(theme.scaled(theme.CONTROL_HEIGHT))
            field.setAccessibleName(name)
            self._form.addRow(title, field)
        buttons = line()
        buttons.addWidget(self.save)
        buttons.addWidget(self.test)
        buttons.addWidget(self.used)
        buttons.addStretch(1)
        buttons.addWidget(self.remove)
        self.body.addLayout(self._form)
        self.body.addLayout(buttons)
        self.finish(title="How to get a client ID")
        self.cloud.currentIndexChanged.connect(self._on_cloud)
        self.client_id.textEdited.connect(lambda: self._mark(self.client_id, wrong=False))
        self.tenant.textEdited.connect(lambda: self._mark(self.tenant, wrong=False))
        self.client_id.returnPressed.connect(self._on_save)
        self._on_cloud(0)

    def take_focus(self) -> None:
        """The client ID is the next thing."""
        self.client_id.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_row(self, row: ProviderRow) -> None:
        """Show what is set."""
        super().show_row(row)
        self.client_id.setText(row.client_id or "")
        preset, tenant = cloud_of(row.authority, row.graph_url)
        self.cloud.setCurrentIndex(len(CLOUDS) if preset is None else preset)
        self._on_cloud(self.cloud.currentIndex())
        self.tenant.setText(tenant)
        if preset is None:
            self.authority.setText(row.authority or CLOUDS[0].authority)
            self.graph_url.setText(row.graph_url or CLOUDS[0].graph_url)
        self.used.setText(f"Used by {count(row.used_by, 'account')}" if row.configured else "")

    def _on_cloud(self, number: int) -> None:
        own = number >= len(CLOUDS)
        cloud = CLOUDS[0 if own else number]
        self._form.setRowVisible(self.tenant, not own and TENANT in cloud.authority)
        self._form.setRowVisible(self.authority, own)
        self._form.setRowVisible(self.graph_url, own or number > 3)
        if not own:
            self.authority.setText(cloud.authority)
            self.graph_url.setText(cloud.graph_url)
        self._mark(self.tenant, wrong=False)

    def _on_save(self) -> None:
        client_id, tenant = self.client_id.text().strip(), self.tenant.text().strip()
        authority = self.authority.text().strip()
        if not client_id:
            self._wrong(
                self.client_id, "The client ID is missing. Paste “Application (client) ID” from Overview."
            )
            return
        if TENANT in authority:
            if not tenant or any(character in tenant for character in "/\\?# "):
                self._wrong(
                    self.tenant, "The tenant is missing or no name of one. Paste its ID or its domain."
                )
                return
            authority = authority.replace(TENANT, tenant)
        graph_url = self.graph_url.text().strip()
        usual = authority == CLOUDS[0].authority and graph_url == CLOUDS[0].graph_url
        request = SetMicrosoft(client_id, None if usual else authority, None if usual else graph_url)
        self.save.setEnabled(False)
        self._bridge.ask(request, self._on_saved, self._on_refused)

    def _on_saved(self, row: ProviderRow) -> None:
        self.save.setEnabled(True)
        self.show_row(row)
        self.tell("Saved. Press Test to ask Microsoft whether it knows this client ID.", "green")
        self.test.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_refused(self, error: ReplyDesktopError) -> None:
        self.save.setEnabled(True)
        self._wrong(self.client_id, str(error))

    def _wrong(self, field: QLineEdit, text: str) -> None:
        self._mark(field, wrong=True)
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.tell(text, "red")

    def _mark(self, field: QLineEdit, *, wrong: bool) -> None:
        theme.mark(field, "wrong", wrong)
        field.setAccessibleDescription("Not right yet" if wrong else "")


def _other_card() -> Card:
    mark = QLabel()
    icons.put_icon(mark, icons.PROVIDER_ICONS[Provider.OTHER], side=20)
    return Card(
        "Other",
        "Mailboxes with SMTP and a password need nothing here. Add them under Email accounts.",
        mark,
    )
