"""A folder of SQL migrations: their order, their checksums, and every mistake with its file's name."""

import re
from pathlib import Path

import pytest

from tenancy.adapters.alembic_migrations import AlembicMigrations
from tenancy.adapters.migration_files import MigrationFile, read_files
from tenancy.adapters.migration_folder import has_migrations, migrations_in
from tenancy.adapters.sql_migrations import SqlMigrations
from tenancy.saga.errors import ProductFileError
from tests.products import SCRIPTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    return made


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("select 1;\n")


def test_the_folders_content_decides_the_kind(folder: Path):
    assert not has_migrations(folder)
    fill(folder, "0001_first.sql")
    assert has_migrations(folder)
    assert isinstance(migrations_in(folder), SqlMigrations)
    fill(folder, "env.py")
    assert isinstance(migrations_in(folder), AlembicMigrations)
    assert migrations_in(SCRIPTS).newest() == "0002"


def test_numbers_are_ordered_as_numbers(folder: Path):
    fill(folder, "10_tenth.sql", "9_ninth.sql", "0001_first.sql", "20261130213000_later.sql")
    files, problems = read_files(folder)
    assert problems == []
    assert [file.number for file in files] == [1, 9, 10, 20261130213000]
    assert migrations_in(folder).newest() == "20261130213000_later"


def test_what_is_no_migration_on_purpose_is_left_alone(folder: Path):
    fill(folder, "0001_first.sql", "README.md", ".gitkeep")
    assert read_files(folder)[1] == []


@pytest.mark.parametrize(
    "name",
    ["first.sql", "0001-first.sql", "0001_first.SQL", "0001_first.sql.bak", "0001_.sql", "0001.sql", "0002_é.sql",
     "0002_a b.sql", "1234567890123456789_x.sql", f"0002_{'x' * 81}.sql", "script.py"],
)  # fmt: skip
def test_a_name_that_does_not_fit_is_a_mistake(folder: Path, name: str):
    fill(folder, "0001_ok.sql", name)
    (problem,) = read_files(folder)[1]
    assert problem == f"migrations/{name}: is no migration's name: digits, _ and a name, such as 0001_first.sql"


def test_a_folder_within_it_is_a_mistake(folder: Path):
    (folder / "0001_first.sql").mkdir()
    assert "migrations/0001_first.sql: is no migration's name" in read_files(folder)[1][0]


def test_two_files_with_one_number_are_a_mistake(folder: Path):
    fill(folder, "0001_first.sql", "0002_b.sql", "0002_c.sql", "1_again.sql")
    assert read_files(folder)[1] == [
        "migrations/1_again.sql: has the same number as 0001_first.sql",
        "migrations/0002_c.sql: has the same number as 0002_b.sql",
    ]


def test_an_empty_folder_is_a_mistake(folder: Path):
    problem = "migrations: has no migrations: the first one is called such as 0001_first.sql"
    assert list(SqlMigrations(folder).problems()) == [problem]
    with pytest.raises(ProductFileError, match=re.escape(problem)):
        migrations_in(folder).newest()


def test_a_folder_that_is_gone_is_a_mistake(folder: Path):
    folder.rmdir()
    assert read_files(folder)[1] == ["migrations: cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"select '\xe4'", "cannot be read: it is not UTF-8"),
        (b"select 1;\0drop table x", "has a zero byte, where PostgreSQL would stop to read"),
    ],
)
def test_a_file_that_would_be_read_in_part_is_a_mistake(folder: Path, content: bytes, problem: str):
    (folder / "0001_first.sql").write_bytes(content)
    assert read_files(folder)[1] == [f"migrations/0001_first.sql: {problem}"]


def test_neither_line_ends_nor_a_byte_order_mark_change_a_checksum(folder: Path):
    (folder / "1_unix.sql").write_bytes(b"select 1;\nselect 2;\n")
    (folder / "2_windows.sql").write_bytes(b"\xef\xbb\xbfselect 1;\r\nselect 2;\r\n")
    (folder / "3_other.sql").write_bytes(b"select 1;\nselect 3;\n")
    unix, windows, other = (file.checksum for file in read_files(folder)[0])
    assert unix == windows != other


@pytest.mark.parametrize(("position", "line"), [(None, None), ("1", 1), ("9", 1), ("10", 1), ("11", 2), ("22", 4)])
def test_a_position_is_told_as_a_line(position: str | None, line: int | None):
    text = "select 1;\nselect 2;\n\nselect 3"
    assert MigrationFile("0001_first.sql", 1, text).line_at(position) == line
