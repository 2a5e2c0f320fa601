"""Reads CSV files however they were written, and writes them so that spreadsheets read them safely."""

import codecs
import csv
import errno
import io
import os
import re
import secrets
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count as numbers
from pathlib import Path
from typing import Final, TextIO

from reply_desktop.domain.errors import InvalidInput, StoreFull
from reply_desktop.domain.merge_field import field_name, field_names
from reply_desktop.domain.notification import plain
from reply_desktop.domain.sequence_rows import ImportColumn, ImportPreview
from reply_desktop.files import create_private, put_in_place

LARGEST: Final = 1 << 30
"""Most bytes of a file that is read."""
COUNTED: Final = 20_000_000
"""Up to how many bytes the rows of a file are counted; beyond, their number is estimated."""
LONGEST_LINE: Final = 1_000_000
"""Most characters of one line: a file without line ends must not fill the memory."""
MOST_COLUMNS: Final = 500

DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1252")
"""What is recognised by itself; any other that Python knows can be named."""

_HEAD: Final = 1 << 16
_CHUNK: Final = 1 << 20
_LOOKED_AT: Final = 500
_BREATHES_AFTER: Final = 500
"""After how many rows other threads are let in: one that only computes keeps them waiting."""
_BREATH_S: Final = 0.001
_SAMPLES: Final = 5

_MAGIC: Final = (
    (b"PK\x03\x04", "an Excel workbook or another packed file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a packed file"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a text document with layout"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
    (b"[{", "a JSON file"),
    (b'{"', "a JSON file"),
    (b"BEGIN:VCARD", "a file of contact cards"),
)
"""How files begin that people take for tables."""

_AS_CSV: Final = "Open it in Excel or another spreadsheet and save it as “CSV UTF-8”."
_MAIL: Final = re.compile(r"\s*[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]+\s*")
_SEPARATOR: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)
_MAIL_NAMES: Final = frozenset(
    {
        "email", "e_mail", "mail", "email_address", "e_mail_address", "mail_address", "emailaddress",
        "email_adresse", "e_mail_adresse", "mailadresse", "emailadresse", "correo", "correo_electrónico",
        "courriel", "adresse_e_mail", "adresse_email", "work_email", "primary_email", "sähköposti",
    }
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that a spreadsheet may take for a formula (OWASP: CSV injection)."""
_NUMBER: Final = re.compile(r"[-+]?\d+([.,]\d+)?%?", re.ASCII)


def read_preview(
    path: str | Path, encoding: str | None = None, delimiter: str | None = None
) -> ImportPreview:
    """How the file is understood; what is given is not guessed.

    Raises InvalidInput that names the file, what is wrong with it and how to mend that.
    """
    path = Path(path)
    encoding, delimiter = _understood(path, encoding, delimiter)
    header, looked_at = _first_rows(path, encoding, delimiter)
    if not header and not looked_at:
        raise InvalidInput(f"“{plain(path.name)}” has no rows.", "Choose a file with a list of people.")
    width = max(map(len, [header, *looked_at]))
    if width > MOST_COLUMNS:
        raise InvalidInput(
            f"“{plain(path.name)}” has {width:,} columns; at most {MOST_COLUMNS} can be read.", _AS_CSV
        )
    filled = [
        [value for row in looked_at if index < len(row) and (value := row[index].strip())]
        for index in range(width)
    ]
    titles = [header[index].strip() if index < len(header) else "" for index in range(width)]
    while titles and not titles[-1] and not filled[len(titles) - 1]:
        titles.pop()
    email_column = _email_column(titles, filled)
    named = field_names(title for index, title in enumerate(titles) if index != email_column)
    if email_column is not None:
        named.insert(email_column, "email")
    columns = tuple(
        ImportColumn(
            plain(title) or f"Column {number}",
            name,
            tuple(plain(value, 80) for value in values[:_SAMPLES]),
        )
        for number, (title, name, values) in enumerate(zip(titles, named, filled, strict=False), start=1)
    )
    rows, exact = _row_count(path, encoding, delimiter)
    return ImportPreview(str(path), encoding, delimiter, columns, email_column, rows, exact)


def rows(
    path: str | Path, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, after the header if there is one, with the number of its first line.

    A row of cells as they stand, as many as there are. Constant memory. Raises InvalidInput naming the line
    where the file turns out to be none that can be read.
    """
    path = Path(path)
    encoding, delimiter = _understood(path, encoding, delimiter)
    found = _all_rows(path, encoding, delimiter)
    first = next(found, None)
    if first is not None and not _is_header(first[1]):
        yield first
    yield from found


def write_rows(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a CSV file that Excel opens as it is (UTF-8 with its mark), 0600; gives the number of rows.

    The file is there whole or not at all; one of that name is replaced. Text that a spreadsheet would take
    for a formula gets an apostrophe before it; plain numbers stay. Raises InvalidInput when the file cannot
    be written there, and StoreFull when the disk is full.
    """
    path = Path(path)
    fresh = path.parent / f".{secrets.token_hex(8)}.new"
    count = 0
    try:
        create_private(fresh)
        with fresh.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([safe_cell(cell) for cell in header])
            for row in rows:
                writer.writerow([safe_cell(cell) for cell in row])
                count += 1
        put_in_place(fresh, path)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    finally:
        with suppress(OSError, ValueError):
            fresh.unlink(missing_ok=True)
    return count


def safe_cell(value: object) -> str:
    """The value as a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def _understood(path: Path, encoding: str | None, delimiter: str | None) -> tuple[str, str]:
    """Encoding and delimiter, guessed where they are not given."""
    head, size = _head(path)
    whole = len(head) >= size
    encoding = encoding.strip().lower() if encoding else _guessed_encoding(path, head, size)
    try:
        "".encode(encoding)  # knows text encodings only, where `codecs` knows compression as well
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head, whole)
    except (LookupError, ValueError):
        raise InvalidInput(
            f"“{plain(encoding, 40)}” is no text encoding.", f"Choose one of {', '.join(ENCODINGS)}."
        ) from None
    if delimiter is None:
        delimiter = _guessed_delimiter(text.removeprefix("\ufeff"), whole=whole)
    elif len(delimiter) != 1 or delimiter == '"' or not (delimiter == "\t" or delimiter.isprintable()):
        raise InvalidInput("One single character stands between columns.", "Choose comma or semicolon.")
    return encoding, delimiter


def _head(path: Path) -> tuple[bytes, int]:
    """The file's beginning and its size. Raises InvalidInput when it is no file of text that can be read."""
    name = plain(path.name or str(path))
    with _readable(path):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInput(f"“{name}” is no file.", "Choose a CSV file.")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    if not head:
        raise InvalidInput(f"“{name}” is empty.", "Choose a file with a list of people.")
    if status.st_size > LARGEST:
        raise InvalidInput(
            f"“{name}” is larger than 1 GB.", "Split it into smaller files, or leave out columns."
        )
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:16].lower()
    for magic, kind in _MAGIC:
        if start.startswith(magic.lower()):
            raise InvalidInput(f"“{name}” is {kind}, not a CSV file.", _AS_CSV)
    return head, status.st_size


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tells in words why a file cannot be read."""
    name = plain(path.name or str(path))
    try:
        yield
    except FileNotFoundError:
        raise InvalidInput(f"“{name}” is not there.", "Choose the file again.") from None
    except PermissionError:
        raise InvalidInput(
            f"“{name}” may not be read.", "Change its permissions or copy it to your own folder."
        ) from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InvalidInput(f"“{name}” cannot be read: {plain(reason)}.", "Choose the file again.") from None


def _guessed_encoding(path: Path, head: bytes, size: int) -> str:
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if head.startswith(mark):
            return encoding
    few, many = sorted((head[::2].count(0), head[1::2].count(0)))
    if many > len(head) // 50 and many > 5 * few:
        # Every other byte of Latin letters, delimiters and line ends is zero in UTF-16.
        return "utf-16-le" if head[1::2].count(0) == many else "utf-16-be"
    strange = sum(byte < 32 and byte not in b"\t\n\r\0\x1a\x0b\x0c" for byte in head)
    if strange > len(head) // 50 or few + many > len(head) // 5:
        raise InvalidInput(f"“{plain(path.name)}” is not a text file.", _AS_CSV)
    return "utf-8" if _is_utf8(path, size) else "windows-1252"


def _is_utf8(path: Path, size: int) -> bool:
    """Whether the whole file is UTF-8: one name with an accent may stand in its last line."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _readable(path), path.open("rb") as file:
        try:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _guessed_delimiter(text: str, *, whole: bool) -> str:
    """The delimiter that gives the most even table, and addresses in cells of their own."""
    lines = text.splitlines(keepends=True)
    said = _SEPARATOR.fullmatch(lines[0]) if lines else None
    if said is not None:
        return said[1]

    def worth(delimiter: str) -> tuple[float, int]:
        table = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if any(cell.strip() for cell in row):
                    table.append(row)
                if len(table) > _LOOKED_AT:
                    break
        except csv.Error:
            pass
        if not whole and len(table) > 1:
            table.pop()
        widths = Counter(len(row) for row in table)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width == 1:
            return 0.0, 0
        addressed = sum(any(_MAIL.fullmatch(cell) for cell in row) for row in table)
        return (count + addressed) / len(table), width

    best = max(DELIMITERS, key=worth)
    return best if worth(best)[1] > 1 else ","


def _all_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not empty, the header among them, with the number of its first line."""
    # The mark at a file's beginning is no part of its first cell, whether it was named or not.
    marked = "utf-8-sig" if encoding in ("utf-8", "utf8") else encoding
    with _readable(path), path.open(encoding=marked, newline="") as file:
        lines = _Lines(path, encoding, file)
        reader = csv.reader(lines, delimiter=delimiter)
        for number in numbers(1):
            if number % _BREATHES_AFTER == 0:
                time.sleep(_BREATH_S)
            began = lines.number + 1
            lines.taken.clear()
            try:
                row = next(reader, None)
            except csv.Error:
                raise _broken(path, began) from None
            if row is None:
                return
            if lines.ended and _is_open(lines.taken, delimiter):
                raise _broken(path, began)
            if any(cell.strip() for cell in row):
                yield began, row


class _Lines:
    """A file's lines for the CSV reader, numbered, with those of the row being read kept in `taken`."""

    def __init__(self, path: Path, encoding: str, file: TextIO) -> None:
        self.number = 0
        self.taken: list[str] = []
        self.ended = False
        self._path = path
        self._encoding = encoding
        self._file = file

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = self._file.readline(LONGEST_LINE)
        except UnicodeError:
            raise InvalidInput(
                f"“{plain(self._path.name)}” is not in {self._encoding}: see after line {self.number}.",
                "Choose another encoding, or save it as “CSV UTF-8”.",
            ) from None
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) >= LONGEST_LINE:
            raise InvalidInput(
                f"“{plain(self._path.name)}”: line {self.number} is longer than {LONGEST_LINE:,} characters.",
                _AS_CSV,
            )
        line = line.replace("\0", "")
        if self.number == 1:
            line = line.removeprefix("\ufeff")
            if _SEPARATOR.fullmatch(line):
                return "\n"
        self.taken.append(line)
        return line


def _is_open(lines: Sequence[str], delimiter: str) -> bool:
    """Whether these last lines of a file end inside a quotation that was never closed."""
    try:
        for _ in csv.reader(lines, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _broken(path: Path, line: int) -> InvalidInput:
    return InvalidInput(
        f"“{plain(path.name)}”: the row that begins in line {line} has no end.",
        'A quotation mark (") is too many or missing there; mend it, or save the table anew as “CSV UTF-8”.',
    )


def _first_rows(path: Path, encoding: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The header, empty when there is none, and some rows after it."""
    found = _all_rows(path, encoding, delimiter)
    looked_at = [row for _, (_, row) in zip(range(_LOOKED_AT), found, strict=False)]
    if looked_at and _is_header(looked_at[0]):
        return looked_at[0], looked_at[1:]
    return [], looked_at


def _is_header(row: Sequence[str]) -> bool:
    """Titles hold no mail address; a first row that does is somebody's."""
    return not any(_MAIL.fullmatch(cell) for cell in row)


def _email_column(titles: Sequence[str], filled: Sequence[Sequence[str]]) -> int | None:
    """The column that most likely holds the mail addresses, by its title and by what is in it."""

    def likely(index: int) -> float:
        values = filled[index]
        share = sum(bool(_MAIL.fullmatch(value)) for value in values) / len(values) if values else 0.0
        name = field_name(titles[index])
        return share + (0.5 if name in _MAIL_NAMES else 0.2 if "mail" in name else 0.0)

    best = max(range(len(titles)), key=likely, default=None)
    return best if best is not None and likely(best) >= 0.3 else None


def _row_count(path: Path, encoding: str, delimiter: str) -> tuple[int, bool]:
    """How many rows there are, and whether that was counted or estimated from the beginning."""
    size = path.stat().st_size
    if size < COUNTED:
        return sum(1 for _ in rows(path, encoding, delimiter)), True
    with _readable(path), path.open("rb") as file:
        sample = file.read(_CHUNK)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    found = 0
    with suppress(csv.Error):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            found += any(row)
    return round(found * size / len(sample)), False


def _unwritable(path: Path, error: Exception) -> InvalidInput | StoreFull:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"The disk is full: “{plain(path.name)}” was not written.", "Make room on the disk.")
    reason = os.strerror(number) if number else str(error)
    return InvalidInput(f"“{plain(str(path))}” cannot be written: {plain(reason)}.", "Choose another place.")
