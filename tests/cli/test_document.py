"""YAML and TOML as one kind of tree, with lines, and without anything that could harm."""

from pathlib import Path

import pytest

from reply_desktop.cli.document import LONGEST_FILE, Part, read_document, read_toml, read_yaml, write_yaml
from reply_desktop.domain.errors import InvalidInput


def plainly(part: Part) -> object:
    """The tree without places."""
    if isinstance(part.value, dict):
        return {key: plainly(one) for key, one in part.value.items()}
    if isinstance(part.value, list):
        return [plainly(one) for one in part.value]
    return part.value


def test_yaml_scalars_stay_as_written() -> None:
    tree = read_yaml("a: 9:00\nb: no\nc: 010\nd: 2026-01-01\ne: ~\nf: 'null'\ng: [1, on]", "f")
    assert plainly(tree) == {
        "a": "9:00", "b": "no", "c": "010", "d": "2026-01-01", "e": None, "f": "null", "g": ["1", "on"],
    }  # fmt: skip


def test_toml_scalars_become_text() -> None:
    tree = read_toml(
        'a = 09:30:00\nb = true\nc = 1.5\nd = 2026-01-01T10:00:00Z\ne = [1, "x"]\n[f]\ng = 2', "f"
    )
    assert plainly(tree) == {
        "a": "09:30:00", "b": "true", "c": "1.5", "d": "2026-01-01T10:00:00+00:00", "e": ["1", "x"], "f": {"g": "2"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", r"f, line 1 is not YAML"),
        ("a: 1\n\n a: 2", r"f, line 3 is not YAML"),
        ("a: 1\nb: 2\na: 3", r"f, line 3: “a” is there twice"),
        ("a: !!python/object/apply:os.system [x]", r"line 1: the tag .*python/object"),
        ("a: !!binary aGk=", "tag"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("? [a]\n: 1", "a key must be a word"),
        ("a: \x07", "characters"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_bad_yaml(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_yaml(text, "f")


def test_aliases_stay_small_and_may_even_bite_their_tail() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert isinstance(read_yaml(bomb, "f").value, dict)
    tail = read_yaml("&a [*a]", "f")
    assert isinstance(tail.value, list) and tail.value[0].value is tail.value


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "x"])
def test_bad_toml_says_where(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"line|end of document"):
        read_toml(text, "f")


def test_places() -> None:
    tree = read_yaml("a: 1\nb:\n  c: 2\n  d:\n  - e", "f")
    assert isinstance(tree.value, dict) and isinstance(tree.value["b"].value, dict)
    assert str(tree.value["b"].value["c"].wrong("No.", "Do.")) == "f, line 3: No. Do."
    toml = read_toml("a = 1\n\n# so\n[b]\nc = '''\n\nx'''\n[[d]]\n[[d]]\ne = 1", "f")
    table = toml.table(("a", "b", "d"), "f")
    assert table["b"].table(("c",), "b")["c"].where() == "f, line 5"
    assert table["d"].items("d")[1].table(("e",), "d")["e"].where() == "f, line 10"
    assert read_toml("a = 1\n" + "#\n" * 2000, "f").table(("a",), "f")["a"].where() == "f"


def test_kinds_are_asked_for() -> None:
    tree = read_yaml("a: [1]\nb: x\nc: {d: 1}", "f").table(("a", "b", "c"), "It")
    for ask in (tree["a"].text, tree["b"].items, tree["c"].text, tree["c"].items):
        with pytest.raises(InvalidInput, match="y must be a"):
            ask("y")
    with pytest.raises(InvalidInput, match="keys of its own"):
        tree["b"].table(("x",), "y")
    with pytest.raises(InvalidInput, match=r"no key “d”\. Did you mean dd\? Allowed are dd, e"):
        tree["c"].table(("dd", "e"), "y")
    assert read_yaml("", "f").table(("a",), "y") == {}


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = '''x\r\ny'''")
    assert plainly(read_document(tmp_path / "a.toml")) == {"a": "1", "b": "x\ny"}
    (tmp_path / "a.yml").write_text("a: ü", encoding="utf-8")
    assert plainly(read_document(tmp_path / "a.yml")) == {"a": "ü"}
    (tmp_path / "latin.yaml").write_bytes("a: ü".encode("latin-1"))
    (tmp_path / "big.yaml").write_text("#" * (LONGEST_FILE + 1))
    for name, says in (("latin.yaml", "UTF-8"), ("big.yaml", "too large"), ("none.yaml", "cannot be read")):
        with pytest.raises(InvalidInput, match=says):
            read_document(tmp_path / name)


def test_written_texts_can_be_read_by_people() -> None:
    text = write_yaml({"a": "one\n\ntwo\n", "b": [1, 2], "c": ["long enough", "x"], "d": "9:00", "e": "ü"})
    assert text == "a: |\n  one\n\n  two\nb: [1, 2]\nc:\n  - long enough\n  - x\nd: '9:00'\ne: ü\n"
