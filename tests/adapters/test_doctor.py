"""The engine's half of the doctor says what it really found."""

from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime

import pytest

from reply_desktop.adapters.doctor import examine
from reply_desktop.config import Endpoints
from reply_desktop.domain.rows import DoctorRow
from tests.fakes.clock import FakeClock
from tests.fakes.world import World


@dataclass
class Vault:
    status: str = "open"
    backend: str = "SecretService"
    text: str = "the key is there"


@dataclass
class Answer:
    headers: dict[str, str] = field(default_factory=dict)


def findings(
    world: World, *, vault: Vault | None = None, off: float = 0, down: bool = False
) -> dict[str, DoctorRow]:
    asked: list[str] = []

    def look(url: str) -> Answer:
        asked.append(url)
        if down:
            raise OSError("secret detail")
        return Answer({"Date": format_datetime(FakeClock().now() + timedelta(seconds=off), usegmt=False)})

    rows = examine(
        world.store, vault or Vault(), [world.settings.provider_row(p) for p in world.providers], Endpoints(),
        look, world.clock,
    )  # fmt: skip
    found = {row.name: row for row in rows}
    assert {url.split("/")[2] for url in asked} == {"oauth2.googleapis.com", "login.microsoftonline.com"}
    return found


@pytest.fixture
def world() -> World:
    world = World()
    world.add()
    return world


def test_all_well_but_a_client_id_is_missing(world: World) -> None:
    found = findings(world)
    assert [name for name, row in found.items() if not row.ok] == ["google client ID", "microsoft client ID"]
    assert found["google client ID"].required and not found["microsoft client ID"].required
    assert "1 accounts" in found["database"].finding


def test_clock_off_is_named(world: World) -> None:
    assert "10 minutes" in findings(world, off=600)["clock"].finding
    assert findings(world, off=100)["clock"].ok


def test_no_network(world: World) -> None:
    found = findings(world, down=True)
    assert not found["google reachable"].ok and "secret detail" not in found["google reachable"].finding
    assert not found["clock"].required


@pytest.mark.parametrize("status", ["locked", "needs_passphrase", "no_keyring", "key_missing"])
def test_a_shut_vault(world: World, status: str) -> None:
    row = findings(world, vault=Vault(status, "here", "Shut. Open it."))["vault"]
    assert not row.ok and row.finding == "here: Shut. Open it."
    assert "unlock" in row.fix and "keyring" not in row.fix


def test_broken_database(world: World) -> None:
    world.store.reads.summary = None  # type: ignore[assignment,method-assign]
    assert not findings(world)["database"].ok
