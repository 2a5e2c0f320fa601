"""Carries out what fronts ask: each request class to one service call. Nothing is decided here."""

import uuid
from collections.abc import Callable
from typing import Any

from reply_desktop.adapters.http import Response
from reply_desktop.channel import messages as m
from reply_desktop.domain.errors import InvalidInput, NotConfigured, NotFound
from reply_desktop.domain.outcome import Outcome
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.engine import alert_requests, sequence_requests
from reply_desktop.engine.build import Parts
from reply_desktop.services.ports import ProviderSettings


class Desk:
    """Answers requests. `stop(hand_over)` is called for Shutdown; `signal(what)` for a network hint."""

    def __init__(self, parts: Parts, stop: Callable[[bool], None], signal: Callable[[str], None]) -> None:
        self._p = parts
        self._stop = stop
        self._signal = signal
        self._table: dict[type, Callable[[Any], object]] = {
            m.ListAccounts: lambda r: m.AccountIndex(tuple(parts.queries.accounts(r.wanted))),
            m.GetAccounts: lambda r: m.AccountRows(tuple(parts.queries.rows(r.ids))),
            m.GetAccount: self._detail,
            m.GetDiagnosis: lambda r: parts.diagnoses.of(parts.accounts.find(r.account).id),
            m.GetSummary: lambda r: parts.queries.summary(),
            m.CheckAccounts: self._check,
            m.CancelCheck: lambda r: parts.health.cancel(r.check_id),
            m.BeginConsent: self._begin_consent,
            m.CancelConsent: lambda r: parts.connect.cancel(r.consent_id, r.page_said),
            m.FindServers: self._find_servers,
            m.AddOther: lambda r: parts.accounts.add_other(r.address, r.servers, r.password),
            m.EditOther: lambda r: parts.accounts.edit_other(r.account, r.servers, r.password),
            m.PauseAccounts: lambda r: parts.accounts.pause(r.accounts),
            m.ResumeAccounts: lambda r: parts.accounts.resume(r.accounts),
            m.RemoveAccounts: lambda r: parts.accounts.remove(r.accounts, revoke=r.revoke),
            m.SetDailyLimit: lambda r: parts.accounts.set_daily_limit(r.accounts, r.daily_limit),
            m.SendTest: self._send_test,
            m.ListProviders: lambda r: m.ProviderList(tuple(map(parts.settings.provider_row, Provider))),
            m.SetGoogle: self._set_google,
            m.SetMicrosoft: self._set_microsoft,
            m.ClearProvider: lambda r: parts.settings.clear_provider(r.provider),
            m.TestProvider: self._test_provider,
            m.ListNotifications: lambda r: m.NotificationList(
                tuple(parts.queries.notifications(r.limit, r.before))
            ),
            m.MarkRead: self._mark_read,
            m.GetVault: lambda r: self._vault(),
            m.UnlockVault: self._unlock_vault,
            m.StartOverVault: self._start_over,
            m.GetSettings: lambda r: m.SettingValues(parts.settings.get(r.names)),
            m.PutSettings: lambda r: parts.settings.put(r.values),
            m.RunDoctor: self._doctor,
            m.Export: self._export,
            m.Backup: self._backup,
            m.NetworkHint: lambda r: signal(r.what),
            m.Shutdown: lambda r: stop(r.hand_over),
            **sequence_requests.table(parts.sequences, parts.store.reads.sequences),
            **alert_requests.table(parts.alerts.tray, parts.alerts.mail, parts.alerts.team),
        }

    def __call__(self, request: object) -> object:
        """The answer. Raises the `domain.errors` of the service; the server turns them into failures."""
        answer = self._table[type(request)](request)
        return m.Done() if answer is None else answer

    def _detail(self, request: m.GetAccount) -> object:
        detail = self._p.queries.detail(self._p.accounts.find(request.account).id)
        if detail is None:
            raise NotFound(f"There is no account {request.account[:254]}.")
        return detail

    def _check(self, request: m.CheckAccounts) -> m.CheckStarted:
        ids = self._p.accounts.ids(request.accounts)
        check_id = uuid.uuid4().hex
        started = m.CheckStarted(check_id, len(ids))
        # From a worker, so that the answer with the id goes out before the first progress does.
        self._p.tasks.submit(lambda: self._p.health.check(ids, check_id))
        return started

    def _begin_consent(self, request: m.BeginConsent) -> m.ConsentStarted:
        account = self._p.accounts.find(request.account) if request.account else None
        opened = self._p.connect.begin(request.provider, account, request.login_hint, reading=request.reading)
        return m.ConsentStarted(opened.consent_id, opened.url, opened.expires_at)

    def _find_servers(self, request: m.FindServers) -> m.FoundServers:
        search = self._p.search()
        servers = search(request.address)
        return m.FoundServers(servers, None if servers else search.suggested_provider(request.address))

    def _send_test(self, request: m.SendTest) -> m.TestSent:
        return sequence_requests.test_sent(self._p.accounts.send_test(request.account, request.to))

    def _set_google(self, request: m.SetGoogle) -> object:
        from reply_desktop.adapters.providers.client_secret import parse_client_secret

        settings = parse_client_secret(request.client_secret_json)
        return self._p.settings.put_provider(Provider.GOOGLE, settings)

    def _set_microsoft(self, request: m.SetMicrosoft) -> object:
        try:
            client_id = str(uuid.UUID(request.client_id.strip()))
        except ValueError:
            raise InvalidInput(
                f"“{request.client_id.strip()[:60]}” is not a Microsoft client ID.",
                "Copy “Application (client) ID” from the app registration's overview page.",
            ) from None
        for name, url in (("authority", request.authority), ("Graph URL", request.graph_url)):
            if url is not None and not _is_https(url):
                raise InvalidInput(
                    f"The {name} “{url[:80]}” is not an https address.", "Start it with https://."
                )
        settings = ProviderSettings(client_id, authority=request.authority, graph_url=request.graph_url)
        return self._p.settings.put_provider(Provider.MICROSOFT, settings)

    def _test_provider(self, request: m.TestProvider) -> m.ProviderTested:
        if request.provider not in SINGLE_CLICK:
            raise InvalidInput("Only Google and Microsoft have a client ID to test.")
        if self._p.settings.provider(request.provider) is None:
            raise NotConfigured("There is no client ID to test yet.", "Give one first.")
        outcome: Outcome = self._p.providers[request.provider].test_client()
        if outcome.proves or outcome.cause is None:
            return m.ProviderTested(None, None, "The provider knows this client ID.")
        from reply_desktop.domain.causes import words
        from reply_desktop.domain.provider import PROVIDER_NAMES

        told = words(outcome.cause, "every account", PROVIDER_NAMES[request.provider])
        text = f"{told.short}. {told.explanation}"
        return m.ProviderTested(outcome.cause.value, outcome.provider_error, text)

    def _mark_read(self, request: m.MarkRead) -> m.Done:
        with self._p.store.begin() as unit:
            unit.notifications.mark_read(request.ids or None, self._p.clock.now())
            unit.commit()
        self._p.summary.touch()
        return m.Done()

    def _vault(self) -> m.VaultState:
        vault = self._p.vault
        return m.VaultState(m.VaultStatus(vault.status), vault.backend, vault.text, vault.opens_with)

    def _unlock_vault(self, request: m.UnlockVault) -> m.VaultState:
        if request.passphrase is None:
            self._p.vault.try_again()
        else:
            self._p.vault.unlock(request.passphrase)
        return self._vault()

    def _start_over(self, request: m.StartOverVault) -> m.VaultState:
        self._p.vault.start_over(request.passphrase)
        self._p.settings.mark_start_over()
        return self._vault()

    def _doctor(self, request: m.RunDoctor) -> m.DoctorReport:
        from reply_desktop.adapters.doctor import examine

        p = self._p
        providers = [p.settings.provider_row(provider) for provider in Provider]
        rows = examine(p.store, p.vault, providers, p.config.endpoints, self._look, p.clock)
        return m.DoctorReport(tuple(rows))

    def _look(self, url: str) -> Response:
        return self._p.transport.request("GET", url)

    def _export(self, request: m.Export) -> m.Exported:
        from reply_desktop.services.export import export_json

        return m.Exported(export_json(self._p.store, self._p.settings, self._p.clock))

    def _backup(self, request: m.Backup) -> m.Done:
        self._p.store.backup(request.path)
        return m.Done()


def _is_https(url: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not any(map(str.isspace, url))
    except ValueError:
        return False
