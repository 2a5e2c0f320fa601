"""The parts fit together, cost nothing before they are used, and leave nothing behind."""

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from reply_desktop.config import Config
from reply_desktop.domain.account import Account
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.grant import TokenSet
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import State
from reply_desktop.engine.build import LazyProviders, Parts, build, new_id


def test_close_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    parts = build(Config(tmp_path))
    parts.scheduler.every(0.01, lambda: None, "tick")
    ran = threading.Event()
    parts.tasks.submit(ran.set)
    assert ran.wait(10)
    parts.close()
    assert set(threading.enumerate()) == before


def test_each_provider_is_made_once_and_has_its_own_redirect(parts: Parts) -> None:
    made = [parts.providers[provider] for provider in Provider]
    assert [one.provider for one in made] == list(Provider)
    assert made == [parts.providers[provider] for provider in Provider]
    redirects = {parts.providers[provider].redirect_path for provider in SINGLE_CLICK}
    assert len(redirects) == 2


def test_lazy_is_lazy_even_for_many_threads() -> None:
    made: list[int] = []

    def make() -> object:
        made.append(1)
        return object()

    providers = LazyProviders({Provider.GOOGLE: make})  # type: ignore[dict-item]
    assert list(providers) == [Provider.GOOGLE] and len(providers) == 1 and made == []
    threads = [threading.Thread(target=lambda: providers[Provider.GOOGLE]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_vendor_libraries_are_not_loaded_by_an_engine_without_accounts(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reply_desktop.config import Config;"
        "from reply_desktop.engine.build import build;"
        f"parts = build(Config(Path({str(tmp_path)!r}))); parts.close();"
        "heavy = {'msal', 'google.auth', 'keyring', 'dns', 'requests', 'PySide6', 'flask'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ids_are_fresh() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


def test_a_vault_whose_key_is_gone_is_told_by_a_sealed_client_secret_too(parts: Parts) -> None:
    with parts.store.begin() as unit:
        unit.settings.put("provider.google", '{"client_id": "x", "sealed": "AAAA"}')
        unit.commit()
    assert parts.settings.any_sealed() is not None


def test_a_paused_account_is_kept_alive_by_the_engines_own_parts(parts: Parts) -> None:
    long_ago = parts.clock.now() - timedelta(days=30)
    ana = Account(
        "a", Provider.GOOGLE, "ana@example.com", long_ago, State.PAUSED, generation=1, granted_at=long_ago
    )
    with parts.store.begin() as unit:
        unit.accounts.add(ana)
        unit.grants.put("a", 1, b"sealed")
        unit.commit()
    parts.credentials.remember("a", 1, TokenSet("refresh"))
    parts.keep_alive.look()
    with parts.store.read() as unit:
        after = unit.accounts.get("a")
    assert after is not None and after.checked_at is not None
    assert (after.state, after.cause) == (State.PAUSED, Cause.APP_NOT_CONFIGURED)
