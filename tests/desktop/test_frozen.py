"""What `make build` gives: a folder that runs without Python and without this checkout, all processes of it."""

import configparser
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from reply_desktop import __version__
from reply_desktop.config import APP_ID
from reply_desktop.sandbox.control import Control
from reply_desktop.ui.link_scheme import INSTALLED, MIME, MimeEntry
from tests.harness.accessibility import Accessibility
from tests.harness.app import START_S, App
from tests.harness.fixtures import Desktop
from tests.harness.frozen import BAKED, ROOT, build, pack, processes
from tests.harness.keyring import SessionKeyring
from tests.harness.tray import Tray
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.timeout(300)]

ANA, DANA = "ana@harbor.example", "dana@fjord.example"
OWN_LIBRARIES = "/opt/of the person/lib"
OWN_ZONES = {"PYTHONTZPATH": ""}
"""Takes the system's time zones away, so that only those are left that the app brings (PEP 615)."""
BROWSER = """#!{python}
import json, os, sys
from pathlib import Path
from reply_desktop.sandbox.person import Person
Path({noted!r}).write_text(json.dumps(dict(os.environ)))
Person().consent(sys.argv[1])
"""


@pytest.fixture(scope="module")
def program(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frozen app, moved to where nothing of the checkout is near; its path needs quoting."""
    return build(tmp_path_factory.mktemp("frozen") / "Reply Desktop")


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser notes the environment it was given."""
    return tmp_path_factory.mktemp("browser") / "noted.json"


@pytest.fixture(scope="module")
def env(noted: Path) -> dict[str, str]:
    """What the person's session gives to programs, without a word of Python; their browser is a script."""
    browser = noted.with_name("browser")
    browser.write_text(BROWSER.format(python=sys.executable, noted=str(noted)))
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    given = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST"))
    }
    path = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if str(ROOT) not in each)
    return given | OWN_ZONES | {"PATH": path, "BROWSER": str(browser), "LD_LIBRARY_PATH": OWN_LIBRARIES}


@pytest.fixture(scope="module")
def world(program: Path, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One data folder with its sandbox for the tests of the window."""
    accessibility, keyring = Accessibility(), SessionKeyring()
    keyring.clear()
    folder = tmp_path_factory.mktemp("frozen-data")
    made = App(folder / "data", accessibility, program=[str(program)], env=env, cwd=folder)
    yield made
    made.close()
    keyring.close()
    accessibility.close()


@pytest.fixture
def app(world: App, program: Path) -> App:
    """The window with five green accounts."""
    if not any(each.is_window for each in processes(program, world.config.data_dir)):
        world.start()
    wait_until(lambda: len(world.rows) == 5, "five accounts", 60)
    world.mend_all()
    world.wait_for_all("Connected")
    return world


def test_it_says_its_version(program: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        [program, "--version"], env=env, cwd="/", capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"reply-desktop {__version__}\n", "")


def test_the_window_its_engine_and_its_sandbox_are_all_the_frozen_app(
    app: App, program: Path, screenshot: Callable[[str], Path]
) -> None:
    screenshot("frozen")
    # Window and seeding may each have started an engine; the later one leaves by itself.
    folder = app.config.data_dir
    wait_until(lambda: len(processes(program, folder)) == 3, "window, engine and sandbox alone")
    running = processes(program, folder)
    assert sorted((each.is_window, each.is_engine, each.is_sandbox) for each in running) == [
        (False, False, True),
        (False, True, False),
        (True, False, False),
    ]
    # Python's own folder below its prefix, which is all of the system's where Python is the system's.
    elsewhere = tuple(f"{folder}/" for folder in (ROOT, sys.prefix, sysconfig.get_path("stdlib")))
    for each in running:
        # Nothing of the checkout or of its Python, and Qt in the window alone.
        assert [file for file in each.mapped if file.startswith(elsewhere)] == []
        pythons = [file for file in each.mapped if "libpython" in file]
        assert pythons and all(file.startswith(f"{program.parent}/") for file in pythons)
        assert any("libQt6Core" in file for file in each.mapped) == each.is_window, each.words
    assert app.launch_again() == 0, "the window that is there is raised"
    assert "Traceback" not in app.said


def test_check_and_doctor_are_content(app: App) -> None:
    assert app.run("check").returncode == 0
    examined = app.run("doctor", "--json")
    assert examined.returncode == 0, examined.stdout
    checks = {each["name"]: each for each in json.loads(examined.stdout)["checks"]}
    assert [name for name, each in checks.items() if not each["ok"]] == []
    assert "SecretService" in checks["vault"]["finding"]
    keyring = SessionKeyring()
    assert len(keyring.items) == 1
    keyring.close()


def test_its_engine_sends_the_sequences(app: App) -> None:
    after = max((mail.id for mail in app.control.messages()), default=0)
    (mail, *_) = app.control.messages(after=after, wait_s=60)
    assert {ANA, DANA} & {mail.account}
    listed = app.run("sequences", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    rows = {each["name"]: each for each in json.loads(listed.stdout)["sequences"]}
    assert {name: row["indicator"] for name, row in rows.items()} == {
        "Spring outreach": "green",
        "Partner follow-up": "green",
    }
    assert sum(row["sent"] for row in rows.values()) > 0


SEQUENCE = """
name: From a file
accounts: [emil@outpost.example]
window: {days: mon-sun, from: 0:00, to: 24:00, timezone: Pacific/Auckland}
start: now
steps:
  - subject: Hello {{ first_name }}
    body: <p>Dear <b>{{ first_name }}</b>,</p><p><a href="https://quay.example/">look</a></p>
    html: true
"""


def test_a_sequence_from_a_file_with_html_and_a_time_zone_is_sent(app: App, tmp_path: Path) -> None:
    file, people = tmp_path / "sequence.yaml", tmp_path / "people.csv"
    file.write_text(SEQUENCE, encoding="utf-8")
    people.write_text("email,first name\nzoe@quay.example,Zoë\n", encoding="utf-8")
    made = app.run("sequences", "create", str(file))
    assert made.returncode == 0, made.stderr
    imported = app.run("sequences", "import-prospects", "From a file", str(people))
    assert imported.returncode == 0, imported.stderr
    found = app.control.messages(account="emil@outpost.example", wait_s=60)
    assert found, app.run("sequences", "log", "From a file").stdout
    mail = message_from_bytes(app.control.raw_message(found[0].id), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "Hello Zoë"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain and html
    assert plain.get_content().split() == ["Dear", "Zoë,", "look", "<https://quay.example/>"]
    assert "<b>Zoë</b>" in html.get_content()
    assert "Pacific/Auckland" in app.run("sequences", "export-file", "From a file").stdout
    assert app.run("sequences", "remove", "From a file").returncode == 0


def browser_environment(noted: Path) -> dict[str, str]:
    """What the browser was given of libraries, once it was opened."""
    wait_until(noted.exists, "browser")
    given = wait_until(lambda: json.loads(noted.read_text() or "null"), "note of the browser")
    noted.unlink()
    return {
        name: value
        for name, value in given.items()
        if name.startswith(("LD_", "QT_", "QML", "PYTHON")) and value != (os.environ | OWN_ZONES).get(name)
    }


def test_access_removed_and_reconnected_by_a_command(app: App, noted: Path) -> None:
    app.control.apply(Control.REMOVE_ACCESS, ANA)
    assert app.run("check").returncode == 2
    app.wait_for_row(ANA, "Expired")
    mended = app.run("accounts", "reconnect", ANA)
    assert mended.returncode == 0, mended.stderr
    app.wait_for_row(ANA, "Connected")
    assert browser_environment(noted) == {"LD_LIBRARY_PATH": OWN_LIBRARIES}


def test_access_removed_and_reconnected_by_the_button(app: App, noted: Path) -> None:
    app.control.apply(Control.REMOVE_ACCESS, DANA)
    app.press("Check all")
    app.wait_for_row(DANA, "Expired")
    # The row goes to the top, and down again by what is said above the table.
    wait_until(lambda: next(iter(app.rows), "") == DANA, "lost account on top")
    app.wait_for_words(f"{DANA} cannot send")
    app.click_row_button(DANA)
    app.wait_for_row(DANA, "Connected")
    assert browser_environment(noted) == {"LD_LIBRARY_PATH": OWN_LIBRARIES}


def test_quit_leaves_no_process(app: App, program: Path, tray: Tray) -> None:
    assert app.quit(tray.wait_for_icon()) == 0
    wait_until(lambda: not processes(program, app.config.data_dir), "end of every process")


@pytest.fixture
def shell(
    program: Path, env: dict[str, str], accessibility: Accessibility, keyring: SessionKeyring, tmp_path: Path
) -> Iterator[App]:
    """A sandbox of its own for commands; nothing runs yet."""
    made = App(tmp_path / "data", accessibility, program=[str(program)], env=env, cwd=tmp_path)
    yield made
    made.close()


def test_commands_without_a_window(shell: App, program: Path, tmp_path: Path) -> None:
    assert shell.run("accounts", "list").returncode == 0
    assert shell.run("stop").returncode == 0
    wait_until(lambda: not processes(program, shell.config.data_dir), "end of every process")
    swept = shell.run("worker", "--once")
    assert swept.returncode == 0, swept.stderr
    exported, backup = tmp_path / "accounts.json", tmp_path / "backup.db"
    assert shell.run("export", str(exported)).returncode == 0
    assert {ANA, DANA} <= {each["row"]["address"] for each in json.loads(exported.read_text())["accounts"]}
    assert shell.run("backup", str(backup)).returncode == 0
    assert shell.run("accounts", "remove", ANA).returncode == 0
    restored = shell.run("restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    checked = shell.run("check", "--json")
    assert checked.returncode == 0, checked.stdout
    assert len(json.loads(checked.stdout)["accounts"]) == 5
    assert shell.run("stop").returncode == 0
    wait_until(lambda: not processes(program, shell.config.data_dir), "end of every process")


class Plain(App):
    """The app as a company's people have it, without a sandbox."""

    def command(self, *words: str) -> list[str]:
        """The command line of the app on this folder."""
        return [word for word in super().command(*words) if word != "--sandbox"]


@pytest.fixture
def plain(
    program: Path, env: dict[str, str], accessibility: Accessibility, tmp_path: Path
) -> Iterator[Plain]:
    """It, with nothing running yet."""
    made = Plain(tmp_path / "company data", accessibility, program=[str(program)], env=env, cwd=tmp_path)
    yield made
    made.close()


def test_baked_client_ids_and_start_at_login(
    plain: Plain, program: Path, desktop: Desktop, tray: Tray
) -> None:
    plain.start()
    plain.wait_for("Background service running", "label", deadline_s=30)
    listed = plain.run("providers", "list", "--json")
    ids = {each["provider"]: each["client_id"] for each in json.loads(listed.stdout)["providers"]}
    assert {name: ids[name] for name in BAKED} == {name: each["client_id"] for name, each in BAKED.items()}
    assert BAKED["google"]["client_secret"] not in listed.stdout

    plain.press("General", "check box")
    plain.press("Start Reply Desktop when I log in", "check box")
    entry = desktop.home / ".config" / "autostart" / "reply-desktop.desktop"
    wait_until(entry.exists, "autostart entry")
    subprocess.run(["desktop-file-validate", entry], check=True)
    plain.close()
    wait_until(lambda: not processes(program, plain.config.data_dir), "end of every process")

    read = configparser.ConfigParser(interpolation=None)
    read.read(entry)
    # Started as the desktop starts it at login: hidden, with its icon in the tray.
    subprocess.Popen(["gio", "launch", entry]).wait(20)
    icon = tray.wait_for_icon()
    (window,) = [each for each in processes(program, plain.config.data_dir) if each.is_window]
    assert window.words == ["--hidden", "--data-dir", str(plain.config.data_dir)]
    icon.choose("Quit")
    wait_until(
        lambda: all(each.is_engine for each in processes(program, plain.config.data_dir)), "end of the window"
    )
    entry.unlink()


@pytest.fixture(scope="module")
def system(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a system on which the package is all there is."""
    folder = tmp_path_factory.mktemp("system")
    root = folder / "root"
    package = pack(program.parent, folder)
    if os.geteuid() == 0:
        (root / "var/lib/dpkg").mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        dpkg(root, "--force-depends", "--install", str(package))
    else:
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    package.unlink()
    return root


def dpkg(root: Path, *words: str) -> None:
    """Have this system's dpkg work on another."""
    command = ["dpkg", f"--root={root}", "--force-unsafe-io", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def person(
    system: Path, env: dict[str, str], accessibility: Accessibility, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The environment of somebody on that system; what they started ends with the test."""
    applications = system / "usr/share/applications"
    # As dpkg has it done once the package is there, or gone.
    subprocess.run(["update-desktop-database", applications], check=True)
    given = env | {
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_DIRS": f"{system}/usr/share:{os.environ.get('XDG_DATA_DIRS') or '/usr/local/share:/usr/share'}",
        "PATH": f"{system}/usr/bin:{env['PATH']}",
    }
    yield given
    for lock in tmp_path.rglob("window.lock"):
        os.kill(int(lock.read_text().splitlines()[0]), signal.SIGTERM)
    wait_until(lambda: accessibility.application(APP_ID) is None, "end of the window")
    subprocess.run([system / "usr/bin/reply-desktop", "stop"], env=given, check=True, capture_output=True)
    (applications / "mimeinfo.cache").unlink()


def test_installed_by_the_package_it_opens_links_and_leaves_them_to_the_package(
    system: Path,
    person: dict[str, str],
    accessibility: Accessibility,
    tmp_path: Path,
    screenshot: Callable[[str], Path],
) -> None:
    # It ran unpacked before, from a folder that is gone.
    before = MimeEntry([str(tmp_path / "gone" / APP_ID)], tmp_path / "share", tmp_path / "config")
    assert before.register()
    subprocess.run(["gio", "launch", system / "usr/share/applications" / INSTALLED], env=person, check=True)
    window = wait_until(lambda: accessibility.application(APP_ID), "window of the app", START_S)
    assert Path(f"/proc/{window.process_id}/exe").readlink() == system / "usr/lib/reply-desktop/reply-desktop"
    wait_until(lambda: not before.file.exists(), "end of the entry of before")
    assert before.defaults.read_text() == "[Default Applications]\n"
    asked = ["xdg-mime", "query", "default", MIME]
    assert (
        subprocess.run(asked, env=person, check=True, capture_output=True, text=True).stdout
        == f"{INSTALLED}\n"
    )
    nothing = subprocess.DEVNULL
    subprocess.run(
        ["xdg-open", "reply-desktop://notifications"],
        env=person, check=True, timeout=60, stdin=nothing, stdout=nothing, stderr=nothing,
    )  # fmt: skip
    window.wait_for(role="label", name="Quiet hours", shown=True, deadline_s=START_S)
    screenshot("frozen-installed")


@pytest.mark.skipif(os.geteuid() != 0, reason="dpkg works for root alone")
def test_removing_the_package_leaves_nothing(system: Path) -> None:
    dpkg(system, "--purge", APP_ID)
    left = {each.relative_to(system).parts[0] for each in system.rglob("*") if not each.is_dir()}
    assert left <= {"var"}, "only dpkg's own files"
    assert not (system / "usr").exists()
    shutil.rmtree(system)
