"""Answers are folded for reading, such that what is copied from them stays whole."""

import io

import pytest

from reply_desktop.cli.console import Console

LONG = "Somebody whom nobody knows has written a sentence that is longer than any screen of eighty columns."
LINK = f"https://example.com/{'a' * 90}"


class Screen(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


def folded(text: str, out: io.StringIO | None = None) -> list[str]:
    out = out or io.StringIO()
    Console(out, io.StringIO()).fold(text)
    assert out.getvalue().endswith("\n")
    return out.getvalue().removesuffix("\n").split("\n")


@pytest.mark.parametrize(
    ("begins", "hangs"), [("", 0), ("  ", 2), ("  3. ", 5), ("  Likely: ", 10), ("State:       ", 13)]
)
def test_what_is_too_long_goes_on_below_where_it_began(begins: str, hangs: int) -> None:
    first, *rest = folded(begins + LONG)
    assert first.startswith(begins) and rest
    assert all(line[:hangs].isspace() or not hangs for line in rest) and not any(
        line[hangs] == " " for line in rest
    )
    assert max(map(len, (first, *rest))) <= 80
    assert " ".join([first.removeprefix(begins), *(line.strip() for line in rest)]) == LONG


@pytest.mark.parametrize(
    "text",
    ["", "short", f"     {LINK}", f"     reply-desktop accounts diagnose {'a' * 60}@example.com --report"],
)
def test_links_and_commands_stay_whole(text: str) -> None:
    assert folded(text) == [text]


def test_a_link_after_words_has_a_line_of_its_own() -> None:
    assert folded(f"About the code: {LINK}")[-1].strip() == LINK


@pytest.mark.parametrize(("columns", "widest"), [("20", 40), ("60", 60), ("300", 100)])
def test_a_screen_is_used_as_far_as_it_reads_well(
    monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    longest = max(map(len, folded(LONG * 3, Screen())))
    assert widest - 15 < longest <= widest
    assert max(map(len, folded(LONG))) <= 80
