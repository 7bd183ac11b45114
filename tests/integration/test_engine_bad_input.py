"""Bad input: refused with the field and a reason, whatever was sent; nothing is held, and the audit log has it."""

import json
import unicodedata
from typing import Any

import pytest

from sandbox.postgres import PostgresServer
from tenancy.engine.provisioning.runner import Task, run_activity
from tenancy.saga.errors import Refused
from tests import real_systems
from tests.integration.engine_harness import NO_OBJECTS, VALIDATE, EngineHarness, lease
from tests.real_systems import superuser

BAD: list[tuple[str, str, Any]] = [
    ("malformed", "slug", "Acme"),
    ("too short", "slug", "ab"),
    ("too long", "slug", "a" * 41),
    ("a book", "slug", "a" * 1_000_000),
    ("begins with a digit", "slug", "1acme"),
    ("begins with a hyphen", "slug", "-acme"),
    ("ends with a hyphen", "slug", "acme-"),
    ("double hyphen", "slug", "ac--me"),
    ("punycode", "slug", "xn--80ak6aa92e"),
    ("underscore", "slug", "ac_me"),
    ("space", "slug", "ac me"),
    ("dot", "slug", "acme.example"),
    ("slash", "slug", "../acme"),
    ("trailing newline", "slug", "acme\n"),
    ("carriage return", "slug", "acme\r"),
    ("NUL", "slug", "acme\0"),
    ("homoglyph", "slug", "\u0430cme"),
    ("full width", "slug", "\uff41cme"),
    ("arabic digits", "slug", "acme\u0661"),
    ("combining accent", "slug", "acme\u0301"),
    ("zero width space", "slug", "ac\u200bme"),
    ("right-to-left override", "slug", "acme\u202e"),
    ("lone surrogate", "slug", "acme\ud800"),
    ("SQL", "slug", "a'; drop table fact; --"),
    ("quotes", "slug", 'a"b'),
    ("shell", "slug", "$(reboot)"),
    ("backticks", "slug", "`id`"),
    ("template", "slug", "{{ conf }}"),
    ("percent", "slug", "a%sb%(x)s"),
    ("empty", "slug", ""),
    ("none", "slug", None),
    ("number", "slug", 5),
    ("truth", "slug", True),
    ("list", "slug", ["acme"]),
    ("table", "slug", {"a": 1}),
    ("empty", "name", ""),
    ("blank", "name", "   "),
    ("no-break spaces", "name", "\u00a0\u00a0"),
    ("leading space", "name", " Acme"),
    ("trailing newline", "name", "Acme\n"),
    ("too long", "name", "A" * 101),
    ("NUL", "name", "Ac\0me"),
    ("right-to-left override", "name", "Acme \u202eemca"),
    ("isolate", "name", "Acme\u2066"),
    ("zero width joiner", "name", "Ac\u200dme"),
    ("byte order mark", "name", "\ufeffAcme"),
    ("soft hyphen", "name", "Ac\u00adme"),
    ("line separator", "name", "Ac\u2028me"),
    ("escape sequence", "name", "Ac\x1b[31mme"),
    ("lone surrogate", "name", "Ac\udfffme"),
    ("private use", "name", "Ac\ue000me"),
    ("invisible letters", "name", "\u3164"),
    ("braille blank", "name", "Ac\u2800me"),
    ("invisible joiner", "name", "Ac\u034fme"),
    ("unknown", "plan", "golden"),
    ("wrong case", "plan", "Starter"),
    ("trailing newline", "plan", "starter\n"),
    ("list", "plan", ["starter"]),
    ("NUL", "plan", "\0"),
    ("unknown", "region", "eu-west"),
    ("a book", "region", "r" * 100_000),
    ("SQL", "region", "' or 1=1 --"),
    ("no at", "admin_email", "ada"),
    ("two ats", "admin_email", "ada@@acme.test"),
    ("no domain", "admin_email", "ada@"),
    ("dot first", "admin_email", ".ada@acme.test"),
    ("address literal", "admin_email", "ada@[127.0.0.1]"),
    ("display name", "admin_email", "Ada <ada@acme.test>"),
    ("header", "admin_email", "ada@acme.test\nBcc: all@acme.test"),
    ("trailing newline", "admin_email", "ada@acme.test\n"),
    ("NUL", "admin_email", "ada\0@acme.test"),
    ("homoglyph", "admin_email", "\u0430da@acme.test"),
    ("too long", "admin_email", "a" * 250 + "@acme.test"),
    ("a book", "admin_email", "a" * 100_000),
    ("number", "admin_email", 7),
]


def _ask(harness: EngineHarness, conf: dict[Any, Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        run_activity(harness.tenancy, Task(lease(VALIDATE), 1, conf, "ada"))
    return refused.value


def _assert_refused(harness: EngineHarness, server: PostgresServer, refused: Refused, field: str) -> None:
    assert refused.field == field
    assert str(refused).startswith(f"{field}: ")
    assert len(str(refused)) < 400
    assert str(refused).isprintable()
    assert harness.external_objects == NO_OBJECTS
    (noted,) = harness.refusals
    assert (noted.message, noted.field, noted.run_id) == (str(refused), field, "run-1")
    assert noted.slug.isprintable()
    assert len(noted.slug) < 400
    with superuser(server, "ledger_of_tests") as connection:
        assert connection.execute("select 1 from ledger.tenant").fetchone() is None


@pytest.mark.parametrize(("what", "field", "value"), BAD, ids=[f"{field}-{what}" for what, field, _ in BAD])
def test_a_bad_value_is_refused(fast_server: PostgresServer, harness: EngineHarness, what: str, field: str, value: Any):
    refused = _ask(harness, real_systems.request(**{field: value}))
    _assert_refused(harness, fast_server, refused, field)


@pytest.mark.parametrize("field", ["slug", "name", "plan", "region", "admin_email"])
def test_a_missing_field_is_refused(fast_server: PostgresServer, harness: EngineHarness, field: str):
    asked = real_systems.request()
    del asked[field]
    _assert_refused(harness, fast_server, _ask(harness, asked), field)


@pytest.mark.parametrize("key", ["Slug", "state", "tenant_id", "a'; drop table fact", "k" * 10_000])
def test_a_key_that_no_request_has_is_refused(fast_server: PostgresServer, harness: EngineHarness, key: str):
    refused = _ask(harness, real_systems.request(**{key: "x"}))
    _assert_refused(harness, fast_server, refused, key[:60])


@pytest.mark.parametrize("key", ["k\0", "k\ud800", "k\u202e", "k\n"])
def test_a_key_that_nobody_could_read_is_refused_readably(
    fast_server: PostgresServer, harness: EngineHarness, key: str
):
    refused = _ask(harness, real_systems.request(**{key: "x"}))
    _assert_refused(harness, fast_server, refused, key.encode("unicode_escape").decode())


def test_an_empty_request_is_refused(fast_server: PostgresServer, harness: EngineHarness):
    _assert_refused(harness, fast_server, _ask(harness, {}), "slug")


@pytest.mark.parametrize("name", ["Cafe\u0301", "A\u030angstro\u0308m", "\u1112\u1161\u11ab"])
def test_a_name_in_decomposed_letters_is_composed(harness: EngineHarness, name: str):
    assert harness.run(VALIDATE, name=name).parameters.name == unicodedata.normalize("NFC", name)


def test_the_limit_of_a_name_counts_composed_letters(harness: EngineHarness):
    assert len(harness.run(VALIDATE, name="e\u0301" * 100).parameters.name) == 100


@pytest.mark.parametrize(
    "name",
    [
        "Acme",
        "A",
        "A" * 100,
        "Zażółć gęślą",
        "株式会社",
        "شركة",
        "O'Brien & Sons; --",
        '"quoted"',
        "100 % {x}",
        "Acme 🚀",
    ],
)
def test_a_name_is_whatever_people_write(harness: EngineHarness, name: str):
    assert harness.run(VALIDATE, name=name).parameters.name == name


@pytest.mark.parametrize("slug", ["abc", "a" * 40, "a-b-c", "x86", "acme-2"])
def test_a_well_formed_slug_is_admitted(harness: EngineHarness, slug: str):
    assert harness.run(VALIDATE, slug=slug).parameters.slug == slug


def test_a_name_full_of_metacharacters_reaches_the_tenants_database_as_it_is(
    fast_server: PostgresServer, harness: EngineHarness
):
    name = """O'Brien"; drop table users; -- %s %(x)s :name $1 \\ {}"""
    harness.run_all(name=name)
    (database,) = harness.external_objects["database"]
    with superuser(fast_server, database) as connection:
        assert connection.execute("select name from tenant.accounts").fetchone() == {"name": name}
    assert json.loads(json.dumps(vars(harness.saga.parameters)))["name"] == name
