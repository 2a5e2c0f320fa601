"""All services on fakes: a provider that answers what it is told, a vault, tasks that run at once."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count

from reply_desktop.domain import events, grant
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.errors import InvalidInput, VaultLocked
from reply_desktop.domain.grant import Credentials, Identity, Password, TokenSet
from reply_desktop.domain.outcome import PROVEN, Outcome
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import State
from reply_desktop.services.accounts import AccountDesk
from reply_desktop.services.announcer import Announcer
from reply_desktop.services.bus import Bus
from reply_desktop.services.connect import Connect
from reply_desktop.services.credentials import CredentialStore
from reply_desktop.services.health import Health
from reply_desktop.services.ledger import Ledger
from reply_desktop.services.ports import (
    ConsentRequest,
    InboxPage,
    Probed,
    Redeemed,
    SendResult,
    SentSearch,
)
from reply_desktop.services.queries import Queries
from reply_desktop.services.settings import SettingsDesk
from tests.fakes.clock import FakeClock
from tests.fakes.listener import FakeListener
from tests.fakes.store import MemoryStore

SEND = "https://www.googleapis.com/auth/gmail.send"
READ = "https://www.googleapis.com/auth/gmail.readonly"


class FakeVault:
    """Seals by writing the account id in front; can be locked."""

    def __init__(self) -> None:
        self.locked = False

    def seal(self, account_id: str, plain: bytes) -> bytes:
        if self.locked:
            raise VaultLocked("The keyring is locked.", "Unlock it.")
        return account_id.encode() + b"|" + plain[::-1]

    def open(self, account_id: str, sealed: bytes) -> bytes:
        if self.locked:
            raise VaultLocked("The keyring is locked.", "Unlock it.")
        owner, _, plain = sealed.partition(b"|")
        if owner != account_id.encode():
            raise InvalidInput("Sealed for another account.")
        return plain[::-1]


class FakeProvider:
    """Gives the scripted answers, then the last one for ever. `on_probe` runs while the network is asked."""

    redirect_host = "127.0.0.1"

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.redirect_path = f"/{provider}"
        self.answers: deque[Probed | Exception] = deque([Probed(PROVEN)])
        self.probes: list[tuple[str, Credentials, bool]] = []
        self.redeemed = Redeemed(PROVEN, TokenSet("new-refresh", "new-access", scopes=(SEND,)), None)
        self.begun: list[tuple[str, str | None, str | None]] = []
        self.begin_error: Exception | None = None
        self.issuer: str | None = None
        self.asked_to_read: list[bool] = []
        self.sent: list[bytes] = []
        self.threads: list[str | None] = []
        self.send_result = SendResult(PROVEN, "<1@x>")
        self.inbox = InboxPage(PROVEN)
        self.looked: list[tuple[str, str | None]] = []
        self.search = SentSearch(PROVEN)
        self.searched: list[str] = []
        self.revoked: list[str] = []
        self.on_probe: Callable[[], None] = lambda: None

    def answer(self, *probed: Probed | Outcome | Exception) -> None:
        self.answers = deque(Probed(one) if isinstance(one, Outcome) else one for one in probed)

    def probe(self, account: Account, credentials: Credentials, *, fresh: bool = False) -> Probed:
        self.probes.append((account.id, credentials, fresh))
        self.on_probe()
        given = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return given

    def begin(
        self,
        redirect_uri: str,
        login_hint: str | None,
        claims: str | None = None,
        *,
        reading: bool = False,
    ) -> ConsentRequest:
        self.asked_to_read.append(reading)
        self.begun.append((redirect_uri, login_hint, claims))
        if self.begin_error is not None:
            raise self.begin_error
        return ConsentRequest(
            f"https://provider.example/auth?state=st&hint={login_hint}", redirect_uri, "st", None, self.issuer
        )

    def redeem(self, request: ConsentRequest, answer: Mapping[str, str]) -> Redeemed:
        return self.redeemed

    def signs_in(self, address: str, subject: str = "sub-1", scopes: tuple[str, ...] = (SEND,)) -> None:
        tokens = TokenSet("new-refresh", "new-access", scopes=scopes)
        self.redeemed = Redeemed(PROVEN, tokens, Identity(subject, address))

    def send(
        self, account: Account, credentials: Credentials, mime: bytes, *, thread_id: str | None = None
    ) -> SendResult:
        self.sent.append(mime)
        self.threads.append(thread_id)
        return self.send_result

    def may_read(self, account: Account) -> bool:
        return READ in account.scopes

    def read_inbox(
        self,
        account: Account,
        credentials: Credentials,
        cursor: str | None,
        since: datetime,
        limit: int = 200,
    ) -> InboxPage:
        self.looked.append((account.id, cursor))
        return self.inbox

    def find_sent(
        self, account: Account, credentials: Credentials, marker: str, message_id: str, since: datetime
    ) -> SentSearch:
        self.searched.append(marker)
        return self.search

    def revoke(self, account: Account, credentials: Credentials) -> bool:
        self.revoked.append(account.id)
        return True


class AtOnce:
    """ports.Tasks that run in the caller's thread; `hold` keeps them for later."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] | None = None

    def submit(self, run: Callable[[], None]) -> None:
        if self.held is None:
            run()
        else:
            self.held.append(run)

    def release(self) -> None:
        held, self.held = self.held or [], None
        for run in held:
            run()


class World:
    """One engine's services on fakes."""

    def __init__(self, *, pace: float = 1.0) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.vault = FakeVault()
        self.bus = Bus()
        self.events: list[events.Event] = []
        self.bus.listen(self.events.append)
        self.queries = Queries(self.store)
        self.settings = SettingsDesk(self.store, self.vault, self.bus, {})
        self.google = FakeProvider(Provider.GOOGLE)
        self.microsoft = FakeProvider(Provider.MICROSOFT)
        self.other = FakeProvider(Provider.OTHER)
        self.providers = {one.provider: one for one in (self.google, self.microsoft, self.other)}
        self.credentials = CredentialStore(self.store, self.vault)
        numbers = count(1)
        self.new_id = lambda: f"id{next(numbers)}"
        self.announcer = Announcer(self.settings.preferences, lambda: UTC)
        self.ledger = Ledger(
            self.store, self.queries, self.bus, self.clock, self.new_id, self.settings.preferences,
            self.announcer,
        )  # fmt: skip
        self.tasks = AtOnce()
        self.health = Health(
            self.store, self.credentials, self.providers, self.ledger, self.queries, self.bus, self.clock,
            lambda: 0.5, self.tasks, pace=pace,
        )  # fmt: skip
        self.listeners: list[FakeListener] = []
        self.connect = Connect(
            self.store, self.credentials, {p: self.providers[p] for p in SINGLE_CLICK},
            self.health, self.ledger, self.queries, self.bus, self.clock, self._listen, self.new_id,
        )  # fmt: skip
        self.accounts = AccountDesk(
            self.store, self.credentials, self.providers, self.health, self.ledger, self.queries, self.clock,
            lambda sender, to: f"From: {sender}\r\nTo: {to}\r\n\r\nhi".encode(), self.new_id,
        )  # fmt: skip

    def _listen(self, host: str, path: str) -> FakeListener:
        self.listeners.append(FakeListener(f"http://{host}:4711{path}"))
        return self.listeners[-1]

    def add(
        self,
        name: str = "ana",
        provider: Provider = Provider.GOOGLE,
        state: State = State.CONNECTED,
        cause: Cause | None = None,
        **given: object,
    ) -> str:
        """A stored account with a grant of generation 1, due now."""
        now = self.clock.now()
        fields: dict[str, object] = {
            "proven_at": now, "granted_at": now, "generation": 1, "next_check_at": now,
            "subject": f"sub-{name}", **given,
        }  # fmt: skip
        account = Account(name, provider, f"{name}@example.com", now, state, cause, **fields)  # type: ignore[arg-type]
        secret: Credentials = (
            Password("pw") if provider is Provider.OTHER else TokenSet("refresh-1", "access-1")
        )
        with self.store.begin() as unit:
            unit.accounts.add(account)
            unit.grants.put(name, 1, self.vault.seal(name, grant.to_bytes(secret)))
            unit.commit()
        return name

    def account(self, name: str = "ana") -> Account:
        """As stored."""
        return self.store.tables.accounts[name]

    def stored(self, name: str = "ana") -> tuple[int, Credentials]:
        """The grant as stored."""
        generation, sealed = self.store.tables.grants[name]
        return generation, grant.from_bytes(self.vault.open(name, sealed))

    def of(self, kind: type) -> list[object]:
        """Events of this class so far."""
        return [event for event in self.events if isinstance(event, kind)]
