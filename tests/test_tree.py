"""The tree keeps its order: every room has its test and its word, and the domain stays pure."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reply_desktop"
SMALL = 40
"""Code lines up to which a module may go without a test file of its own."""

WITHOUT_OWN_TEST = {
    "reply_desktop/services/ports.py": "Protocols and plain records only: nothing in it runs",
    "reply_desktop/services/sequence_ports.py": "Protocols and plain records only: nothing in it runs",
    "reply_desktop/domain/sequence_rows.py": "plain records only: nothing in it runs",
    "reply_desktop/adapters/store/tables.py": "tables only: test_migrations compares them with the migrated schema",
    "reply_desktop/adapters/store/sequence_tables.py": "as tables.py",
}
"""Module → why no test file carries its name."""

# In parts, so that this file does not name them either.
INDEX_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("index", "crates", "io"),
    )
)


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            for statement in node.body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    yield statement


def code_lines(path: Path) -> int:
    """Lines that do something: no blank ones, no comments, no docstrings."""
    spoken = {
        line
        for statement in docstrings(parsed(path))
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in spoken
        for number, line in enumerate(lines, start=1)
    )


def tracked() -> list[Path]:
    """What a commit would hold; without git, everything that .gitignore does not name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, check=False
    ) if (ROOT / ".git").exists() else None  # fmt: skip
    if listed is not None and listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    ignored = {line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(part in ignored or part == ".git" for part in path.relative_to(ROOT).parts)
    ]


@pytest.mark.parametrize("path", modules(), ids=named)
def test_every_room_has_a_test_of_its_name(path: Path) -> None:
    lines = code_lines(path)
    name = f"test_{path.stem.strip('_')}.py"
    expected = ROOT / "tests" / path.parent.relative_to(PACKAGE) / name
    if named(path) in WITHOUT_OWN_TEST or "migrations" in path.parts:
        assert not expected.exists(), f"{named(path)} is listed as being without a test, and has one"
        return
    assert lines <= SMALL or expected.exists(), f"{lines} code lines and no {expected.relative_to(ROOT)}"


def test_every_exception_is_still_one() -> None:
    assert [name for name in WITHOUT_OWN_TEST if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", modules(), ids=named)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    words = ast.get_docstring(parsed(path))
    assert words, "no docstring"
    assert words.splitlines()[0].endswith((".", "?", "!")), "the first line is not a sentence"


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").rglob("*.py")), ids=named)
def test_the_domain_imports_the_standard_library_only(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            known = name.split(".")[0] in sys.stdlib_module_names
            assert known or name.startswith("reply_desktop.domain"), f"line {node.lineno}: {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").rglob("*.py")), ids=named)
def test_the_domain_reads_no_clock(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("now", "utcnow", "today", "monotonic"), f"line {node.lineno}"


UNFIT = {
    "run_local_server": "one request only, a fixed port, says done to a denial, cannot be cancelled",
    "run_console": "copy and paste of codes is dead since 2023",
    "acquire_token_interactive": "takes POST only, cannot be cancelled, prefers one vendor's browser",
    "AuthCodeReceiver": "the listener of the above",
    "acquire_token_silent": "hides errors, and hands out an access token though the refresh failed",
    "acquire_token_by_username_password": "passwords are none of our business (RFC 9700 section 2.4)",
    "initiate_device_flow": "a code typed elsewhere is what phishers ask for",
    "OAUTHLIB_INSECURE_TRANSPORT": "holds for the whole process",
    "OAUTHLIB_RELAX_TOKEN_SCOPE": "holds for the whole process",
    "QtScheduler": "under PySide6 every wake-up adds a timer that is never cancelled",
    "QtWebEngineWidgets": "sign-ins belong in the system's browser (RFC 8252 section 8.12)",
    "QtWebEngineCore": "as above",
    "QtWebView": "as above",
}
"""What a library offers and the product must not use → why."""


@pytest.mark.parametrize("path", modules(), ids=named)
def test_what_is_unfit_is_not_used(path: Path) -> None:
    spoken = {id(statement.value) for statement in docstrings(parsed(path))}
    used: set[str] = set()
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                used.add(name)
            case ast.alias(name=name):
                used |= set(name.split("."))
            case ast.ImportFrom(module=str(name)):
                used |= set(name.split("."))
            case ast.Constant(value=str(name)) if id(node) not in spoken:
                used.add(name)
    assert used & UNFIT.keys() == set()


CLOCK = re.compile(r"time\.(monotonic|perf_counter|process_time|thread_time)|\.elapsed\b")


@pytest.mark.parametrize(
    "path",
    [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if CLOCK.search(path.read_text("utf-8"))],
    ids=named,
)
def test_nothing_fails_for_a_slow_machine(path: Path) -> None:
    """What a thing takes is for tests/benchmarks: a test counts work, or never ends what is not to be waited for."""
    for judged in ast.walk(parsed(path)):
        if isinstance(judged, ast.Assert) and CLOCK.search(ast.unparse(judged)):
            compared = [op for node in ast.walk(judged) if isinstance(node, ast.Compare) for op in node.ops]
            at_least = all(isinstance(op, (ast.Gt, ast.GtE)) for op in compared)
            assert at_least, f"line {judged.lineno}: only that it took at least so long can be asserted"


def test_no_tracked_file_names_an_index_host() -> None:
    found = [
        f"{named(path)}: {host}"
        for path in tracked()
        if path.is_file()
        for host in INDEX_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert found == []
