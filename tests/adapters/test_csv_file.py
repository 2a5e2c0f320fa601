"""CSV files are read however they were written, and written so that no cell becomes a formula."""

import codecs
import csv
import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reply_desktop.adapters import csv_file
from reply_desktop.adapters.csv_file import read_preview, rows, safe_cell, write_rows
from reply_desktop.domain.errors import InvalidInput, StoreFull
from reply_desktop.domain.sequence_rows import ImportColumn

TABLE = [
    ["First Name", "E-Mail", "Company"],
    ["José", "jose@x.example", "Café, Sons"],
    ["Zoë", "zoe@x.example", 'The "Best"'],
    ["Ünal", "unal@x.example", "Two\r\nlines; one | firm\tit is"],
]


def written(path: Path, table: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(table)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", csv_file.DELIMITERS)
@pytest.mark.parametrize(
    ("written_in", "mark", "read_in"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8-sig", b"", "utf-8"),
        ("utf-16", b"", "utf-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
        ("windows-1252", b"", "windows-1252"),
    ],
)
def test_every_way_of_writing_is_understood(
    tmp_path: Path, written_in: str, mark: bytes, read_in: str, delimiter: str
) -> None:
    path = written(tmp_path / "people.csv", TABLE, written_in, delimiter)
    path.write_bytes(mark + path.read_bytes())
    preview = read_preview(path)
    assert (preview.encoding, preview.delimiter) == (read_in, delimiter)
    assert [column.header for column in preview.columns] == TABLE[0]
    assert [column.field for column in preview.columns] == ["first_name", "email", "company"]
    assert preview.email_column == 1
    assert (preview.rows, preview.rows_exact) == (3, True)
    assert [row for _, row in rows(path)] == TABLE[1:]
    assert [row for _, row in rows(path, read_in, delimiter)] == TABLE[1:]


def test_a_preview_shows_some_values_on_one_line(tmp_path: Path) -> None:
    preview = read_preview(
        written(tmp_path / "x.csv", TABLE + [["", f"{n}@x.example", "A" * 99] for n in range(9)])
    )
    assert preview.path == str(tmp_path / "x.csv")
    assert preview.columns[0] == ImportColumn("First Name", "first_name", ("José", "Zoë", "Ünal"))
    assert preview.columns[2].samples[2] == "Two lines; one | firm it is"
    assert len(preview.columns[1].samples) == 5
    assert len(preview.columns[2].samples[4]) == 80


def test_an_accent_in_the_last_line_tells_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"name,email\n" + b"Ann,ann@x.example\n" * 20_000 + "Zoë,z@x.example\n".encode("cp1252"))
    assert read_preview(path).encoding == "windows-1252"
    assert [*rows(path)][-1] == (20_002, ["Zoë", "z@x.example"])


@pytest.mark.parametrize(
    ("text", "delimiter", "found"),
    [
        ("sep=;\r\na,b;email\r\n1,5;x@x.example\r\n", ";", [(3, ["1,5", "x@x.example"])]),
        ('"sep=|"\nname|email\nx|x@x.example', "|", [(3, ["x", "x@x.example"])]),
        ("a;b;email\n1,5;2,5;x@x.example\n1,5;2,5;y@x.example\n", ";", None),
        ("name,email\nDoe; Ann,a@x.example\nRoe; Bob,b@x.example\n", ",", None),
        ("name, note,email\nAnn,a|b,a@x.example\nBob,c|d,b@x.example\n", ",", None),
        ("email\na@x.example\n", ",", [(2, ["a@x.example"])]),
        ('name\temail\n"a, b, c"\ta@x.example\n', "\t", [(2, ["a, b, c", "a@x.example"])]),
    ],
)
def test_the_delimiter_is_found(
    tmp_path: Path, text: str, delimiter: str, found: list[tuple[int, list[str]]] | None
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, newline="")
    assert read_preview(path).delimiter == delimiter
    if found is not None:
        assert [*rows(path)] == found


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'name,email\r\n\r\n"a\r\nb",a@x.example\r\n,,\r\nc,c@x.example,more\r\nd\r\n')
    assert [*rows(path)] == [
        (3, ["a\r\nb", "a@x.example"]),
        (6, ["c", "c@x.example", "more"]),
        (7, ["d"]),
    ]
    assert [column.header for column in read_preview(path).columns] == ["name", "email", "Column 3"]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", ""])
def test_every_line_end_ends_a_line(tmp_path: Path, end: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(("name,email" + (end or "\n") + "a,a@x.example" + end).encode())
    assert [*rows(path)] == [(2, ["a", "a@x.example"])]


def test_without_a_header_the_first_row_is_somebody(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Ann,ann@x.example\nBob,bob@x.example\n")
    preview = read_preview(path)
    assert [(column.header, column.field) for column in preview.columns] == [
        ("Column 1", "column_1"),
        ("Column 2", "email"),
    ]
    assert preview.email_column == 1
    assert preview.rows == 2
    assert [line for line, _ in rows(path)] == [1, 2]


def test_twins_empty_titles_and_empty_last_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Name,,Name,Email,email,Sender,,\na,b,c,a@x.example,d,e,,\n")
    assert [(column.header, column.field) for column in read_preview(path).columns] == [
        ("Name", "name"),
        ("Column 2", "column_2"),
        ("Name", "name_2"),
        ("Email", "email"),
        ("email", "email_2"),
        ("Sender", "sender_2"),
    ]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("name,Work Email\na,a@x.example\n", 1),
        ("contact,name\na@x.example,a\nb@x.example,b\n", 0),
        ("Email,E-Mail 2\n,a@x.example\n,b@x.example\n", 1),
        ("email status,email\nvalid,a@x.example\n", 1),
        ("email,name\n", 0),
        ("name,town\na,b\n", None),
    ],
)
def test_the_column_of_addresses_is_found(tmp_path: Path, text: str, column: int | None) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert read_preview(path).email_column == column


def test_nul_bytes_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"name,email\n" + b"An\0n,ann@x.example\n" + b"Bob,bob@x.example\n" * 20)
    assert next(rows(path)) == (2, ["Ann", "ann@x.example"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\n <!DOCTYPE html><html>", "is a web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "is an XML file"),
        (b'[{"email": "a@x.example"}]', "is a JSON file"),
        (b"BEGIN:VCARD\n", "is a file of contact cards"),
        (bytes(range(256)) * 4, "is not a text file"),
        (b"", "is empty"),
        (b"\n\n \n,,\n", "has no rows"),
        (b"a," * 600 + b"\n" + b"b," * 600, "has 601 columns"),
        (b'name,email\n"Ann,a@x.example\nBob,b@x.example\n', "row that begins in line 2 has no end"),
        (b'name,email\n"' + b"x" * 200_000, "row that begins in line 2 has no end"),
        (b"name,email\n" + b"x" * 1_000_001, "line 2 is longer than 1,000,000 characters"),
    ],
)
def test_what_is_no_csv_is_told_with_what_to_do(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"people\.xlsx") as raised:
        read_preview(path)
    assert words in raised.value.what
    assert raised.value.todo


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path, "is no file"),
        (tmp_path / "pipe", "is no file"),
        (tmp_path / "gone.csv", "“gone.csv” is not there"),
        (tmp_path / "x.csv" / "y.csv", "is not there"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(InvalidInput, match=words):
            read_preview(path)
        with pytest.raises(InvalidInput, match=words):
            next(rows(path))


def test_a_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"name,email\n")
    with path.open("r+b") as file:
        file.truncate(3 << 30)
    with pytest.raises(InvalidInput, match="larger than 1 GB"):
        read_preview(path)


def test_many_rows_are_estimated_closely(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    line = b"Ann Example,ann.example@somewhere.example,Some Company of Some Name\n"
    path.write_bytes(b"name,email,company\n" + line * 320_000)
    preview = read_preview(path)
    assert not preview.rows_exact
    assert preview.rows == pytest.approx(320_000, rel=0.01)


@pytest.mark.parametrize(
    ("encoding", "delimiter", "words"),
    [
        ("klingon", None, "“klingon” is no text encoding"),
        ("zlib", None, "is no text encoding"),
        (None, ";;", "One single character"),
        (None, '"', "One single character"),
        (None, "\n", "One single character"),
        ("ascii", None, "is not in ascii: see after line 0"),
    ],
)
def test_what_is_given_must_fit(
    tmp_path: Path, encoding: str | None, delimiter: str | None, words: str
) -> None:
    path = written(tmp_path / "x.csv", TABLE)
    with pytest.raises(InvalidInput, match=words):
        read_preview(path, encoding, delimiter)


def test_what_is_given_is_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", TABLE)
    preview = read_preview(path, "latin-1", "|")
    assert (preview.encoding, preview.delimiter) == ("latin-1", "|")
    assert preview.columns[0].header == "First Name,E-Mail,Company"


def test_what_is_written_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert write_rows(path, TABLE[0], TABLE[1:]) == 3
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [row for _, row in rows(path)] == TABLE[1:]
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1", "'＝1"),
        ("-3.5", "-3.5"),
        ("+12", "+12"),
        ("-0,5%", "-0,5%"),
        (-3, "-3"),
        ("-", "'-"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
    ],
)
def test_no_cell_becomes_a_formula(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


@settings(max_examples=30)
@given(table=st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=4))
def test_whatever_is_written_has_its_cells_in_their_places(
    table: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    write_rows(path, ["name", "note"], table)
    with path.open(encoding="utf-8-sig", newline="") as file:
        back = [*csv.reader(file)]
    assert len(back) == len(table) + 1
    for before, after in zip(table, back[1:], strict=True):
        assert [safe_cell(cell).encode(errors="replace").decode() for cell in before] == after


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")

    def full() -> Iterator[list[str]]:
        yield ["a"]
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(StoreFull, match=r"“x\.csv” was not written"):
        write_rows(path, ["h"], full())
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.parametrize("path", ["gone/x.csv", "file/x.csv", ".", "a\0b"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        write_rows(tmp_path / path, ["h"], [])
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
