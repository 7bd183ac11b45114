"""The secrets of a sandbox: made once, kept private."""

import json
import stat
from pathlib import Path

import pytest

from sandbox import secrets
from sandbox.airflow_contents import ROLE_OF_USER
from sandbox.problems import SandboxError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def test_only_the_owner_may_read_the_file(path: Path):
    secrets.load_or_create(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_are_the_same_at_the_next_start(path: Path):
    first = secrets.load_or_create(path)

    assert secrets.load_or_create(path) == first == secrets.load(path)


def test_every_user_with_a_role_has_a_password_of_their_own(path: Path):
    passwords = secrets.load_or_create(path).users

    assert set(passwords) == set(ROLE_OF_USER)
    assert len(set(passwords.values())) == len(passwords)


def test_a_secret_that_an_older_file_lacks_is_added_and_the_others_stay(path: Path):
    first = secrets.load_or_create(path)
    document = json.loads(path.read_text())
    del document["credential_key_hex"]
    path.write_text(json.dumps(document))

    second = secrets.load_or_create(path)

    assert second.credential_key_hex
    assert second.jwt_secret == first.jwt_secret


def test_a_damaged_file_is_kept_and_reported(path: Path):
    path.write_text("{half")

    with pytest.raises(SandboxError, match=r"secrets\.json cannot be read"):
        secrets.load_or_create(path)
    assert path.read_text() == "{half"


def test_do_not_show_themselves_in_a_report(path: Path):
    found = secrets.load_or_create(path)

    assert found.jwt_secret not in repr(found)
