"""Banners above every page: what keeps mail from being sent, one calm line and one action each."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QWidget

from reply_desktop.channel.messages import GetSummary, GetVault, UnlockVault, VaultState, VaultStatus
from reply_desktop.domain.causes import CAUSES, VAULT_CAUSES, words
from reply_desktop.domain.errors import (
    EngineBroken,
    EngineDiffers,
    ReplyDesktopError,
    StoreDamaged,
    StoreFull,
    StoreTooNew,
)
from reply_desktop.domain.events import SummaryChanged, VaultChanged
from reply_desktop.domain.notification import plain
from reply_desktop.domain.provider import PROVIDER_NAMES
from reply_desktop.domain.rows import AccountRow, AppFault, Summary
from reply_desktop.domain.sequence_rows import SequenceRow
from reply_desktop.domain.states import Color
from reply_desktop.ui import icons, theme
from reply_desktop.ui.bridge import Bridge, EngineState
from reply_desktop.ui.controls import Elided, button, column, line
from reply_desktop.ui.roster import Roster
from reply_desktop.ui.theme import Space
from reply_desktop.ui.words import count, few, quoted, wrong_words

QUIET_MS: Final = 700
"""How long the engine may be away before it is worth a line."""

SAID_MS: Final = 15_000
"""How long a passing word stays."""

_ORDER: Final = ("engine", "vault", "fault", "red", "said")
_LASTING: Final = (StoreTooNew, StoreDamaged, StoreFull, EngineBroken, EngineDiffers)


def own_red(summary: Summary) -> tuple[list[AccountRow], int]:
    """(red accounts named, their number) without those whose trouble is the app registration's or vault's."""
    named = [row for row in summary.red if not (row.cause and CAUSES[row.cause].app_level)]
    return named, summary.needs_person - (len(summary.red) - len(named))


def red_words(summary: Summary) -> str:
    """“2 accounts cannot send: ana@…, ben@….”"""
    named, number = own_red(summary)
    addresses = [row.address for row in named]
    if number == 1 and named:
        return f"{plain(addresses[0], 80)} cannot send. {wrong_words(named[0])}."
    return f"{count(number, 'account')} cannot send: {few(addresses, number, 3)}."


def hit_words(red: AbstractSet[str], on: Iterable[SequenceRow]) -> str:
    """What sequences that are on lose by these addresses: “Partners” sends nothing. Empty when none does."""
    hit = [row for row in on if not red.isdisjoint(row.accounts)]
    still = [quoted(row.name) for row in hit if row.indicator is Color.RED]
    others = [quoted(row.name) for row in hit if row.indicator is not Color.RED]
    parts = []
    if still:
        parts.append(f"{few(still)} {'sends' if len(still) == 1 else 'send'} nothing.")
    if others:
        verb, them = "goes" if len(others) == 1 else "go", "it" if len(red) == 1 else "them"
        parts.append(f"{few(others)} {verb} on without {them}.")
    return " ".join(parts)


def fault_words(fault: AppFault) -> str:
    """What is wrong with an app registration or the vault, and how many accounts it hits."""
    name = PROVIDER_NAMES[fault.provider] if fault.provider else ""
    short = words(fault.cause, "every account", name).short
    hit = f" {count(fault.accounts, 'account')} affected." if fault.accounts else ""
    return f"{name}: {short}.{hit}" if name else f"{short}.{hit}"


class Banner(QFrame):
    """One line, one action. It cannot be dismissed: it goes when the trouble does."""

    def __init__(
        self, tone: str, text: str, action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self.setProperty("banner", tone)
        mark, self._text = QLabel(), Elided(text)
        icons.put_icon(mark, "info" if tone in ("grey", "blue") else "warning", f"{tone}.ink")
        theme.mark(self._text, "tone", tone)
        self.row = line(self)
        self.row.setContentsMargins(Space.L, Space.XS, Space.L, Space.XS)
        self.row.addWidget(mark)
        self.row.addWidget(self._text, 1)
        self.setMinimumHeight(theme.scaled(40))
        self.action = button(action, on_action) if action else None
        if self.action is not None:
            self.row.addWidget(self.action)
        self.setAccessibleName(text)

    def text(self) -> str:
        """The line."""
        return self._text.text()

    def say(self, text: str) -> None:
        """Say something else; what was typed stays."""
        self._text.setText(text)
        self.setAccessibleName(text)


class Banners(QWidget):
    """All banners, worst first. Signals say what the person wants done.

    `reconnect_wanted`: the account to mend; `reconnect_all_wanted`: all of them; `account_wanted`: the one
    to look at; `providers_wanted`: open Settings → Providers.
    """

    reconnect_wanted = Signal(str)
    reconnect_all_wanted = Signal()
    account_wanted = Signal(str)
    providers_wanted = Signal()

    def __init__(self, bridge: Bridge, roster: Roster | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._roster = bridge, roster
        self._summary: Summary | None = None
        self._box = column(self, gap=0)
        self._shown: dict[str, Banner] = {}
        self._said: dict[str, tuple[str, ...]] = {}
        self._late = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._late.timeout.connect(self._on_late)
        self._said_long = QTimer(self, singleShot=True, interval=SAID_MS)
        self._said_long.timeout.connect(partial(self._take, "said"))
        bridge.engine_changed.connect(self._on_engine)
        bridge.summary_changed.connect(self._on_summary_event)
        bridge.vault_changed.connect(self._on_vault_event)
        if roster is not None:
            roster.changed.connect(self._on_roster)
        if bridge.engine is EngineState.RUNNING:
            self._on_engine(bridge.engine)

    def texts(self) -> list[str]:
        """The lines shown, from top to bottom."""
        return [self._shown[key].text() for key in self._keys()]

    def banner(self, key: str) -> Banner | None:
        """One banner by its key: `engine`, `vault`, `red`, or `fault:` with the fault's key."""
        return self._shown.get(key)

    def _keys(self) -> list[str]:
        return sorted(self._shown, key=lambda key: (_ORDER.index(key.partition(":")[0]), key))

    def _put(self, key: str, said: tuple[str, ...], make: Callable[[], Banner]) -> None:
        """Show a banner; one that says the same already is left alone, with whatever is typed into it."""
        if self._said.get(key) == said:
            return
        before = self._shown.get(key)
        focused = before is not None and before.action is not None and before.action.hasFocus()
        self._take(key)
        self._said[key] = said
        self._shown[key] = made = make()
        self._box.insertWidget(self._keys().index(key), made)
        if focused and made.action is not None:
            made.show()
            made.action.setFocus(Qt.FocusReason.OtherFocusReason)

    def _take(self, key: str) -> None:
        gone = self._shown.pop(key, None)
        self._said.pop(key, None)
        if gone is not None:
            gone.hide()
            self._box.removeWidget(gone)
            gone.deleteLater()

    # The engine

    def _on_engine(self, state: EngineState) -> None:
        if state is EngineState.RUNNING:
            self._late.stop()
            self._take("engine")
            self._bridge.ask(GetSummary(), self._on_summary, _quietly, owner=self)
            self._bridge.ask(GetVault(), self._on_vault, _quietly, owner=self)
            self._allow(True)
            return
        self._allow(False)
        if "engine" in self._shown or self._is_lasting():
            self._on_late()
        elif not self._late.isActive():
            self._late.start()

    def _allow(self, on: bool) -> None:
        """Without the engine nothing can be done about the rest."""
        for key, banner in self._shown.items():
            if key not in ("engine", "said"):
                banner.setEnabled(on)

    def _is_lasting(self) -> bool:
        """Whether it will not mend by itself."""
        return self._bridge.engine is EngineState.GONE or isinstance(self._bridge.trouble, _LASTING)

    def _on_late(self) -> None:
        trouble = self._bridge.trouble
        lasting = self._is_lasting()
        text = str(trouble) if trouble and lasting else "The background service stopped; restarting…"
        tone = "red" if lasting else "grey"
        self._put(
            "engine", (tone, text), lambda: Banner(tone, plain(text), "Try now", self._bridge.retry_now)
        )

    def say(self, text: str) -> None:
        """Tell something once; it goes by itself or with Close."""
        self._take("said")
        close = partial(self._take, "said")
        self._put("said", (text,), lambda: Banner("grey", plain(text), "Close", close))
        self._said_long.start()

    # Accounts and app registrations

    def _on_summary_event(self, event: SummaryChanged) -> None:
        self._on_summary(event.summary)

    def _on_roster(self, ids: object) -> None:
        if self._summary is not None:
            self._show_red(self._summary)

    def _on_summary(self, summary: Summary) -> None:
        self._summary = summary
        self._show_red(summary)
        told = [fault for fault in summary.app_faults if fault.cause not in VAULT_CAUSES]
        faults = {f"fault:{fault.key}": fault for fault in told}
        for key in [key for key in self._shown if key.startswith("fault:") and key not in faults]:
            self._take(key)
        for key, fault in faults.items():
            text = fault_words(fault)
            self._put(
                key, (text,), partial(Banner, "red", text, "Open Providers", self.providers_wanted.emit)
            )

    def _show_red(self, summary: Summary) -> None:
        named, number = own_red(summary)
        if number <= 0:
            self._take("red")
            return
        on = self._roster.on if self._roster is not None else ()
        hit = hit_words(frozenset(row.address for row in summary.red), on)
        text = f"{red_words(summary)} {hit}".rstrip()
        mendable = [row.id for row in named if row.offers_reconnect]
        one = mendable[0] if mendable else named[0].id if named else ""
        go: Callable[[], None]
        if len(mendable) > 1:
            action, go = "Reconnect all", self.reconnect_all_wanted.emit
        elif mendable:
            action, go = "Reconnect", partial(self.reconnect_wanted.emit, one)
        else:
            action, go = "Show", partial(self.account_wanted.emit, one)
        self._put("red", (text, action, one), lambda: Banner("red", text, action, go))

    # The vault

    def _on_vault_event(self, event: VaultChanged) -> None:
        self._bridge.ask(GetVault(), self._on_vault, _quietly, owner=self)

    def _on_vault(self, vault: VaultState) -> None:
        if vault.status is VaultStatus.OPEN:
            self._take("vault")
        elif vault.status in (VaultStatus.NEEDS_PASSPHRASE, VaultStatus.NO_KEYRING):
            self._put("vault", (vault.status, vault.text), lambda: self._passphrase(vault))
        else:
            self._put(
                "vault",
                (vault.status, vault.text),
                lambda: Banner("orange", vault.text, "Try again", lambda: self._unlock(None)),
            )

    def _passphrase(self, vault: VaultState) -> Banner:
        new = vault.status is VaultStatus.NO_KEYRING
        made = Banner("orange", vault.text)
        fields = [_secret_field("New passphrase" if new else "Passphrase")]
        if new:
            fields.append(_secret_field("The same again"))
        go = button("Protect" if new else "Unlock", kind="primary")

        def ready() -> bool:
            texts = {field.text() for field in fields}
            return len(texts) == 1 and "" not in texts

        def send() -> None:
            if ready():
                passphrase = fields[0].text()
                for field in fields:
                    field.clear()
                self._unlock(passphrase)

        for field in fields:
            field.textChanged.connect(lambda: go.setEnabled(ready()))
            field.returnPressed.connect(send)
            made.row.addWidget(field)
        go.setEnabled(False)
        go.clicked.connect(lambda: send())
        made.row.addWidget(go)
        made.action = go
        return made

    def _unlock(self, passphrase: str | None) -> None:
        self._bridge.ask(UnlockVault(passphrase), self._on_vault, self._on_locked, owner=self)

    def _on_locked(self, error: ReplyDesktopError) -> None:
        banner = self._shown.get("vault")
        if banner is not None:
            banner.say(plain(str(error)))


def _secret_field(name: str) -> QLineEdit:
    made = QLineEdit()
    made.setEchoMode(QLineEdit.EchoMode.Password)
    made.setPlaceholderText(name)
    made.setAccessibleName(name)
    made.setMinimumWidth(130)
    made.setMaximumWidth(220)
    made.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
    return made


def _quietly(error: ReplyDesktopError) -> None:
    """What fails while the engine comes and goes is asked again with its next start."""
