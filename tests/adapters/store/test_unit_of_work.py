from collections.abc import Callable

import pytest

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.domain.announcement import Announcement
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.prospect import Suppression, SuppressionReason
from reply_desktop.domain.rows import AppFault
from reply_desktop.services.ports import UnitOfWork
from tests.adapters.store.nouns import (
    a_notification,
    a_prospect,
    a_sequence,
    a_touch,
    an_account,
    an_enrollment,
    an_entry,
    an_episode,
)
from tests.fakes.clock import START


def announce(unit: UnitOfWork) -> None:
    unit.notifications.add(a_notification("told"))
    unit.announcements.add(Announcement("told", "tray", START))


CHANGES: dict[str, Callable[[UnitOfWork], object]] = {
    "accounts": lambda unit: unit.accounts.add(an_account("new")),
    "grants": lambda unit: unit.grants.put("a", 1, b"sealed"),
    "episodes": lambda unit: unit.episodes.add(an_episode()),
    "app_faults": lambda unit: unit.app_faults.put(
        AppFault("vault:x", None, Cause.VAULT_LOCKED, None, START, 3)
    ),
    "notifications": lambda unit: unit.notifications.add(a_notification()),
    "announcements": lambda unit: announce(unit),
    "settings": lambda unit: unit.settings.put("general.theme", '"dark"'),
    "sequences": lambda unit: unit.sequences.add(a_sequence("new")),
    "prospects": lambda unit: unit.prospects.put_many([a_prospect("new")]),
    "enrollments": lambda unit: unit.enrollments.add_many([an_enrollment(1)]),
    "imports": lambda unit: unit.imports.begin("s", START),
    "leftovers": lambda unit: unit.leftovers.forget_prospects(["p1"]),
    "touches": lambda unit: unit.touches.add(a_touch()),
    "suppressions": lambda unit: unit.suppressions.put(
        Suppression("eve@x.example", SuppressionReason.ADDED, START)
    ),
    "log": lambda unit: unit.log.add([an_entry()]),
    "paces": lambda unit: unit.paces.save(Pace("a", free_at=START)),
    "inbox_marks": lambda unit: unit.inbox_marks.put("a", "x", START),
}
"""Repository → something it keeps."""

SEEN: dict[str, Callable[[UnitOfWork], bool]] = {
    "accounts": lambda unit: unit.accounts.get("new") is not None,
    "grants": lambda unit: unit.grants.get("a") is not None,
    "episodes": lambda unit: unit.episodes.open_of("a") is not None,
    "app_faults": lambda unit: bool(unit.app_faults.open()),
    "notifications": lambda unit: unit.notifications.of_key("e") is not None,
    "announcements": lambda unit: unit.announcements.waiting("tray") == 1,
    "settings": lambda unit: unit.settings.get("general.theme") is not None,
    "sequences": lambda unit: unit.sequences.get("new") is not None,
    "prospects": lambda unit: unit.prospects.get("new") is not None,
    "enrollments": lambda unit: unit.enrollments.get("se1") is not None,
    "imports": lambda unit: unit.imports.begun() is not None,
    "leftovers": lambda unit: unit.prospects.get("p1") is None,
    "touches": lambda unit: unit.touches.get("t") is not None,
    "suppressions": lambda unit: unit.suppressions.has("eve@x.example"),
    "log": lambda unit: unit.log.last("s", [LogKind.SENT]) is not None,
    "paces": lambda unit: unit.paces.get("a") != Pace("a"),
    "inbox_marks": lambda unit: unit.inbox_marks.get("a") is not None,
}
"""Repository → whether that is there."""


def test_every_repository_is_tried() -> None:
    repositories = {name for name in vars(UnitOfWork) if not name.startswith("_")} - {"commit"}
    assert CHANGES.keys() == SEEN.keys() == repositories


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_committed_is_dropped_and_what_is_stays(peopled: SqliteStore, name: str) -> None:
    with peopled.begin() as unit:
        CHANGES[name](unit)
        assert SEEN[name](unit)
    with peopled.begin() as unit:
        assert not SEEN[name](unit)
        CHANGES[name](unit)
        unit.commit()
    with peopled.read() as unit:
        assert SEEN[name](unit)


@pytest.mark.parametrize("name", CHANGES)
def test_a_unit_for_reading_changes_nothing(peopled: SqliteStore, name: str) -> None:
    with peopled.read() as unit, pytest.raises(RuntimeError, match="reading only"):
        CHANGES[name](unit)


@pytest.mark.parametrize("name", CHANGES)
def test_a_unit_is_of_no_use_after_its_commit(peopled: SqliteStore, name: str) -> None:
    with peopled.begin() as unit:
        unit.commit()
        with pytest.raises(RuntimeError, match="over"):
            CHANGES[name](unit)
