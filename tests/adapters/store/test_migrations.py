import importlib.util
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from reply_desktop.adapters.store import files, tables
from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.migrations import STEPS, Steps
from reply_desktop.domain.announcement import Announcement, AnnouncementState
from reply_desktop.domain.causes import Cause
from reply_desktop.domain.enrollment import EnrollmentState, Thread
from reply_desktop.domain.episode import Ending
from reply_desktop.domain.errors import StoreFull, StoreTooNew
from reply_desktop.domain.grant import MailServer, MailServers, Security
from reply_desktop.domain.log_entry import LogKind
from reply_desktop.domain.pace import Pace
from reply_desktop.domain.provider import Provider
from reply_desktop.domain.rows import AppFault
from reply_desktop.domain.sequence import Ramp, Stranded, StrandedKind
from reply_desktop.domain.states import Color, State
from reply_desktop.domain.window import SendingWindow
from reply_desktop.services.sequence_ports import BegunImport
from tests.adapters.store.nouns import (
    a_notification,
    a_prospect,
    a_sequence,
    a_touch,
    an_account,
    an_enrollment,
    an_episode,
)
from tests.fakes.clock import START, FakeClock

OLD = Path(__file__).parent / "fixtures"
"""Real files as each released schema left them; they are never renewed."""
TOMORROW = f"{int(STEPS.head) + 1:04}"
"""The revision of a step that is yet to come."""


def schema(path: Path) -> dict[str, str]:
    """Every table and index as SQLite keeps its text, spaces and quotes made alike."""
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
        ).fetchall()
    return {name: "".join(sql.replace('"', "").split()) for name, sql in kept}


def as_tables_say(tmp_path: Path) -> dict[str, str]:
    engine = create_engine(f"sqlite:///{tmp_path / 'said.db'}")
    tables.metadata.create_all(engine)
    engine.dispose()
    return schema(tmp_path / "said.db")


@pytest.fixture
def more_steps(tmp_path: Path) -> Callable[[str], Steps]:
    """Our steps and one that is yet to come, whose `upgrade` is given."""

    def add(upgrade: str) -> Steps:
        folder = tmp_path / "steps of tomorrow, 100 %"
        shutil.copytree(STEPS.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / f"v{TOMORROW}_tomorrow.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '{TOMORROW}'\ndown_revision = '{STEPS.head}'\n"
            f"def upgrade():\n    {upgrade}\n"
        )
        return Steps(folder, TOMORROW)

    return add


def old_file(path: Path) -> Path:
    path.parent.mkdir()
    shutil.copyfile(OLD / "v0001.db", path)
    return path


def test_the_steps_build_what_the_tables_say(path: Path, clock: FakeClock, tmp_path: Path) -> None:
    SqliteStore(path, clock).close()
    assert schema(path) == as_tables_say(tmp_path)


@pytest.mark.parametrize("old", sorted(OLD.glob("v*.db")), ids=lambda one: one.stem)
def test_an_old_file_becomes_what_the_tables_say(
    path: Path, clock: FakeClock, tmp_path: Path, old: Path
) -> None:
    path.parent.mkdir()
    shutil.copyfile(old, path)
    SqliteStore(path, clock).close()
    assert schema(path) == as_tables_say(tmp_path)
    assert files.check(path) == STEPS.head


def test_every_released_schema_has_its_old_file() -> None:
    assert [one.stem for one in sorted(OLD.glob("v*.db"))] == [f"v{n + 1:04}" for n in range(int(STEPS.head))]


def test_the_head_is_the_last_step() -> None:
    steps = sorted((STEPS.folder / "versions").glob("v*.py"))
    assert len(steps) == int(STEPS.head)
    spec = importlib.util.spec_from_file_location("last", steps[-1])
    assert spec is not None
    assert spec.loader is not None
    last = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(last)
    assert last.revision == STEPS.head


def test_what_the_first_schema_held_is_all_there(path: Path, clock: FakeClock) -> None:
    store = SqliteStore(old_file(path), clock)
    with store.read() as unit:
        ann = an_account(
            "1",
            "Ann.Müller@example.com",
            scopes=("openid", "https://www.googleapis.com/auth/gmail.send"),
            subject="117",
        )
        assert unit.accounts.find("ANN.MÜLLER@example.com") == ann
        assert unit.accounts.get("2") == an_account(
            "2",
            "bob@contoso.example",
            provider=Provider.MICROSOFT,
            state=State.EXPIRED,
            cause=Cause.GRANT_REVOKED,
            provider_error="AADSTS50173: The provided grant has expired.",
            generation=3,
        )
        cleo = unit.accounts.get("3")
        assert cleo is not None
        assert cleo.servers == MailServers(
            MailServer("smtp.mail.example", 587, Security.STARTTLS),
            MailServer("imap.mail.example", 993, Security.TLS),
            "cleo",
        )
        assert unit.accounts.ids(states=(State.NEW,)) == ["4"]
        assert [unit.grants.get(one) for one in "123"] == [
            (1, b"sealed of 1"),
            (3, b"sealed of 2"),
            (1, b"sealed of 3"),
        ]
        assert unit.episodes.open_of("2") == an_episode("e1", "2")
        assert unit.notifications.of_key("e1") == a_notification(
            "n1", "e1", account_id="2", remind_at=START + timedelta(hours=1)
        )
        assert unit.app_faults.open() == [
            AppFault("google:app_rejected", Provider.GOOGLE, Cause.APP_REJECTED, "invalid_client", START, 1)
        ]
        assert unit.settings.get("general.theme") == '"dark"'
    detail = store.reads.account_detail("1")
    assert detail is not None
    assert detail.row.strip == "g" * 27 + "ogg"
    ((cause, color, ending),) = [(one.cause, one.color, one.ending) for one in detail.episodes]
    assert (cause, color, ending) == (Cause.OFFLINE, Color.ORANGE, Ending.CHECK_SUCCEEDED.value)
    store.close()


def test_opening_the_newest_schema_makes_no_backup(path: Path, clock: FakeClock) -> None:
    SqliteStore(path, clock).close()
    SqliteStore(path, clock).close()
    assert files.backups(path) == []


def test_an_older_file_is_copied_before_it_is_migrated(
    path: Path, clock: FakeClock, more_steps: Callable[[str], Steps]
) -> None:
    steps = more_steps("op.add_column('accounts', sa.Column('tomorrow', sa.Text))")
    SqliteStore(old_file(path), clock, steps=steps).close()
    (backup,) = files.backups(path)
    assert files.check(backup) == "0001"
    assert files.check(path, steps) == TOMORROW
    assert "tomorrow" in schema(path)["accounts"]
    assert "tomorrow" not in schema(backup)["accounts"]
    with pytest.raises(StoreTooNew):
        SqliteStore(path, clock)
    clock.advance(timedelta(days=1))
    SqliteStore.restore(path, backup, clock.now())
    store = SqliteStore(path, clock)
    with store.read() as unit:
        assert unit.accounts.count() == 4
    store.close()


def test_what_was_written_after_the_last_checkpoint_is_in_the_backup(
    path: Path, clock: FakeClock, more_steps: Callable[[str], Steps]
) -> None:
    steps = more_steps("op.add_column('accounts', sa.Column('tomorrow', sa.Text))")
    SqliteStore(old_file(path), clock).close()
    crashed = sqlite3.connect(path, isolation_level=None)
    crashed.execute("UPDATE settings SET value = 'in the journal'")
    SqliteStore(path, clock, steps=steps).close()
    crashed.close()
    with closing(sqlite3.connect(files.backups(path)[0])) as connection:
        assert connection.execute("SELECT value FROM settings").fetchall() == [("in the journal",)]


@pytest.mark.parametrize(
    "broken",
    [
        "op.add_column('accounts', sa.Column('half', sa.Text)); op.execute('UPDATE nothing SET x = 1')",
        "op.add_column('accounts', sa.Column('half', sa.Text)); raise ZeroDivisionError",
        "op.execute(\"DELETE FROM accounts WHERE id = '1'\")",
    ],
    ids=["sql", "python", "foreign keys"],
)
def test_a_step_that_fails_leaves_the_database_as_it_was(
    path: Path, clock: FakeClock, more_steps: Callable[[str], Steps], broken: str
) -> None:
    before = schema(old_file(path))
    with pytest.raises((sqlite3.Error, ZeroDivisionError)):
        SqliteStore(path, clock, steps=more_steps(broken))
    assert schema(path) == before
    store = SqliteStore(path, clock)
    with store.read() as unit:
        assert unit.accounts.count() == 4
    store.close()


def test_rebuilding_a_table_does_not_cascade(
    path: Path, clock: FakeClock, more_steps: Callable[[str], Steps]
) -> None:
    steps = more_steps(
        "op.drop_index('ix_accounts_severity')\n"
        "    with op.batch_alter_table('accounts') as batch:\n"
        "        batch.alter_column('daily_limit', type_=sa.BigInteger)"
    )
    store = SqliteStore(old_file(path), clock, steps=steps)
    with store.begin() as unit:
        assert unit.grants.get("1") == (1, b"sealed of 1")
        unit.accounts.remove("1")
        assert unit.grants.get("1") is None
    store.close()


def test_a_disk_too_full_to_migrate_leaves_the_old_file(
    path: Path, clock: FakeClock, more_steps: Callable[[str], Steps]
) -> None:
    pages = old_file(path).stat().st_size // 4096
    steps = more_steps("op.execute('CREATE TABLE big AS SELECT zeroblob(40960) AS zeros')")
    with pytest.raises(StoreFull):
        SqliteStore(path, clock, max_pages=pages + 3, steps=steps)
    assert files.check(path) == "0001"
    SqliteStore(path, clock).close()


def test_what_the_second_schema_held_is_all_there(path: Path, clock: FakeClock) -> None:
    path.parent.mkdir()
    shutil.copyfile(OLD / "v0002.db", path)
    store = SqliteStore(path, clock)
    with store.read() as unit:
        assert unit.sequences.find("FRÜHLING") == a_sequence(
            "s",
            "Frühling",
            accounts=("b", "a"),
            daily_limit=40,
            ramp=Ramp(5, 5),
            stranded=Stranded(StrandedKind.MOVE_AFTER, 3600.0),
            window=SendingWindow((1, 2, 3, 4, 5), time(9), time(17), "Europe/Berlin"),
            start_at=START,
        )
        assert unit.sequences.last_assigned("s") == {"a": START}
        assert unit.prospects.find("bob@prospect.example") == a_prospect(
            "p1", "Bob@prospect.example", city="Köln"
        )
        assert unit.enrollments.next_pinned("s", "a", START + timedelta(days=1)) == an_enrollment(
            1,
            account_id="a",
            state=EnrollmentState.ACTIVE,
            done=1,
            last_sent_at=START,
            due_at=START + timedelta(days=1),
            thread=Thread("Hello", ("<m1@example.com>",), "thread-1"),
        )
        assert unit.enrollments.next_unpinned("s", START) == an_enrollment(2)
        sent = a_touch("t1", "se1", message_id="<m1@example.com>", settled_at=START, attempts=1)
        assert unit.touches.by_message_ids(["<m1@example.com>"]) == [sent]
        assert unit.suppressions.has("eve@x.example")
        entry = unit.log.last("s", [LogKind.SENT], "ann.müller@example.com")
        assert entry is not None
        assert (entry.text, entry.prospect, entry.key) == ("A mail was sent.", "bob@prospect.example", "t1")
        assert unit.paces.get("a") == Pace("a", START + timedelta(seconds=120), first_sent_at=START)
        assert unit.inbox_marks.get("a") == ("history-7", START)
        assert unit.settings.get("sending.paused") == "true"
    assert store.reads.sequences.fields("s") == ["city"]
    store.close()


def test_what_the_third_schema_held_is_all_there(path: Path, clock: FakeClock) -> None:
    path.parent.mkdir()
    shutil.copyfile(OLD / "v0003.db", path)
    store = SqliteStore(path, clock)
    later, reminder = START + timedelta(minutes=1), START + timedelta(hours=8)
    with store.read() as unit:
        assert unit.notifications.get("lost") == a_notification(
            "lost", "e9", group="lost", reminded=1, remind_at=reminder
        )
        assert unit.announcements.of("lost") == [
            Announcement("lost", "email", later, 0, AnnouncementState.TOLD, 2, "mark-1", "a", later),
            Announcement("lost", "tray", START, 1),
        ]
    store.close()


def test_what_the_fourth_schema_held_is_all_there(path: Path, clock: FakeClock) -> None:
    path.parent.mkdir()
    shutil.copyfile(OLD / "v0004.db", path)
    store = SqliteStore(path, clock)
    with store.begin() as unit:
        assert unit.imports.begun() == BegunImport(
            "s", START + timedelta(minutes=1), "1 prospect came from “people.csv”."
        )
        assert unit.enrollments.open_count("s") == 2
        assert not unit.imports.apply(10)
        unit.imports.finish("s")
        assert unit.enrollments.open_count("s") == 3
        bob = unit.prospects.find("bob@prospect.example")
        assert bob == a_prospect("p1", "Bob@prospect.example", city="Bonn")
        unit.commit()
    store.close()


@pytest.mark.parametrize(("said", "choices"), [("false", '{"recovered": []}'), ("true", None), (None, None)])
def test_who_wanted_no_word_of_recovery_gets_none(
    path: Path, clock: FakeClock, said: str | None, choices: str | None
) -> None:
    old_file(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        if said is not None:
            connection.execute("INSERT INTO settings VALUES ('notify.recovery', ?)", (said,))
    store = SqliteStore(path, clock)
    with store.read() as unit:
        assert unit.settings.get("notify.recovery") is None
        assert unit.settings.get("notify.choices") == choices
    store.close()
