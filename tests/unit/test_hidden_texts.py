"""Which texts of a connection people must not read, and how they are replaced."""

import json
from collections.abc import Callable

import pytest

from tenancy.activities.container_calls import hidden_texts
from tenancy.adapters.hidden_texts import hide
from tenancy.saga.connections import Connection

TOKEN = "tok-0123456789"
KEY = '-----BEGIN\nM"II'


def test_settings_in_extra_are_no_secrets() -> None:
    extra = {"use_ssl": "true", "scheme": "https", "token": TOKEN, "tls": {"keys": [KEY]}, "port": 443}
    assert list(hidden_texts(Connection("mail", password="pw", extra=extra))) == ["pw", TOKEN, KEY]


def test_a_secret_is_replaced_as_it_is_and_escaped() -> None:
    assert hide([TOKEN], f"entered with {TOKEN}\n") == "entered with ***\n"
    assert hide([KEY], json.dumps({"key": KEY})) == '{"key": "***"}'
    assert hide([KEY], repr(json.dumps({"key": KEY}))) == """'{"key": "***"}'"""


def test_a_secret_that_an_excerpt_cuts_off_is_replaced() -> None:
    assert hide([TOKEN], "its result is not JSON: 'token tok-01…'") == "its result is not JSON: 'token ***'"


@pytest.mark.parametrize("secret", ["-----BEGIN KEY-----\nMIIsecret\n", "it's-secret", 'a"b', "back\\slash"])
@pytest.mark.parametrize(
    "quoted",
    [
        lambda secret: secret,
        lambda secret: " ".join(secret.split()),
        json.dumps,
        lambda secret: "'" + json.dumps(secret)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'",  # Go's jsonschema
    ],
)
def test_a_secret_with_odd_characters_is_replaced_however_it_is_quoted(
    secret: str, quoted: Callable[[str], str]
) -> None:
    hidden = hide([secret], f"at '/password': {quoted(secret)} does not match")
    assert not any(part in hidden for part in ("MIIsecret", "s-secret", 'a"b', "slash"))


def test_an_empty_password_hides_nothing() -> None:
    assert hide(["", " "], "a b") == "a b"
