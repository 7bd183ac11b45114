"""The secrets of docker-compose.yaml: made once, kept private."""

import os
import stat
from pathlib import Path

from installation.secret_files import FILES, make, read


def test_makes_every_file_for_its_owners_eyes_only(tmp_path: Path):
    folder = tmp_path / "compose" / "secrets"
    made = make(folder, tmp_path / ".env")
    assert {path.name for path in made} == {*FILES, ".env"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(read(folder, name) for name in FILES)


def test_never_overwrites_and_adds_what_is_missing(tmp_path: Path):
    folder = tmp_path / "secrets"
    make(folder, tmp_path / ".env")
    before = {name: read(folder, name) for name in FILES}
    assert make(folder, tmp_path / ".env") == []
    (folder / "broker").unlink()
    assert make(folder, tmp_path / ".env") == [folder / "broker"]
    assert {name: read(folder, name) for name in FILES if name != "broker"} == {
        name: content for name, content in before.items() if name != "broker"
    }
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_no_two_are_the_same(tmp_path: Path):
    make(tmp_path / "secrets", tmp_path / ".env")
    assert len({read(tmp_path / "secrets", name) for name in FILES}) == len(FILES)


def test_the_user_of_the_containers_can_read_them(tmp_path: Path):
    make(tmp_path / "secrets", tmp_path / ".env")
    uid = int((tmp_path / ".env").read_text().removeprefix("AIRFLOW_UID="))
    assert {(tmp_path / "secrets" / name).stat().st_uid for name in FILES} == {uid}
    assert uid == (os.getuid() or 50000)


def test_can_be_used_in_an_address_unquoted(tmp_path: Path):
    make(tmp_path / "secrets", tmp_path / ".env")
    for name in ("airflow_database", "broker"):
        assert read(tmp_path / "secrets", name).replace("-", "").replace("_", "").isalnum()
