"""A folder of plain SQL migrations: its files in order, with their checksums, and all that is wrong with it. No
database.

A file is called `NNNN_name.sql`. Its number decides the order, and its name without `.sql` is the version.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"(?P<number>[0-9]{1,18})_[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.sql")
"""A number of 18 digits fits PostgreSQL's bigint, and a time such as 20261130213000 fits it, too."""
VERSION_LIMIT: Final = 100
"""More characters than a version has."""
EXAMPLE: Final = "0001_first.sql"


@dataclass(frozen=True)
class MigrationFile:
    """One migration. `text` is what is run, and `checksum` is its SHA-256: line ends do not matter."""

    name: str
    number: int
    text: str

    @property
    def version(self) -> str:
        return self.name.removesuffix(".sql")

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def line_at(self, position: str | None) -> int | None:
        """The line of PostgreSQL's position, which counts characters from 1; None without a position."""
        return self.text.count("\n", 0, int(position) - 1) + 1 if position else None


def has_migration_file(folder: Path) -> bool:
    """Is there a file whose name fits?"""
    return any(_NAME.fullmatch(path.name) for path in folder.glob("*.sql"))


def read_files(folder: Path) -> tuple[list[MigrationFile], list[str]]:
    """The files in order, and all that is wrong, each sentence beginning with the folder's name."""
    files: list[MigrationFile] = []
    problems: list[str] = []
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        return [], [f"{folder.name}: cannot be read: {error.strerror}"]
    for path in paths:
        if path.name.startswith(".") or path.name == "README.md":
            continue
        try:
            files.append(_read(path))
        except ValueError as error:
            problems.append(f"{folder.name}/{path.name}: {error}")
    problems += [f"{folder.name}/{problem}" for problem in _same_numbers(files)]
    if not files and not problems:
        problems.append(f"{folder.name}: has no migrations: the first one is called such as {EXAMPLE}")
    return sorted(files, key=lambda file: file.number), problems


def _read(path: Path) -> MigrationFile:
    """ValueError says what is wrong with the file."""
    fits = _NAME.fullmatch(path.name)
    if fits is None or not path.is_file():
        raise ValueError(f"is no migration's name: digits, _ and a name, such as {EXAMPLE}")
    try:
        text = path.read_text(encoding="utf-8-sig")  # without the mark that some editors put before the text
    except UnicodeDecodeError:
        raise ValueError("cannot be read: it is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if "\0" in text:
        raise ValueError("has a zero byte, where PostgreSQL would stop to read")
    return MigrationFile(path.name, int(fits["number"]), text)


def _same_numbers(files: list[MigrationFile]) -> Iterator[str]:
    by_number: dict[int, list[str]] = defaultdict(list)
    for file in files:
        by_number[file.number].append(file.name)
    for first, *others in by_number.values():
        yield from (f"{other}: has the same number as {first}" for other in others)
