"""The text of an HTML message says what its reader would see."""

import pytest

from reply_desktop.adapters.html_text import html_as_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi <b>Ana</b>,</p><p>bye<br>Me", "Hi Ana,\n\nbye\nMe\n"),
        (
            "<a href='https://x.example/?a=1&amp;b=2'>our page</a>.",
            "our page <https://x.example/?a=1&b=2>.\n",
        ),
        ("<a href='MAILTO:a@x.example'>write</a>", "write <MAILTO:a@x.example>\n"),
        ("<a href='#top'>up</a> <a name='x'>here</a>", "up here\n"),
        ("<img alt='A tree' src='x'><img src='y'>", "[A tree]\n"),
        ("<style>p{}</style><script>1</script>seen<!-- not -->", "seen\n"),
        ("2 &lt; 3", "2 < 3\n"),
        ("<?xml version='1.0' encoding='utf-8'?><p>x</p>", "x\n"),
        ("", "\n"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert html_as_text(html) == text


def test_a_list_and_a_table_keep_their_shape() -> None:
    assert html_as_text("<ul><li>one<li>two</ul><table><tr><td>a<td>b<tr><td>c<td>d</table>") == (
        "  * one\n  * two\na  b\nc  d\n"
    )


@pytest.mark.parametrize("deep", [300, 100_000])
def test_absurdly_deep_html_ends_well(deep: int) -> None:
    assert html_as_text("<div>" * deep + "x") in ("x\n", "\n")
