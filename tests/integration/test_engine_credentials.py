"""Credentials are derived: the same for the same tenant, another after a rotation, never stored, never in a fact."""

import json
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from tenancy.activities.allocate_storage import PASSWORD
from tenancy.ledger.envelope import data_of
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.credentials import Keyring
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import RunId, TenantId
from tenancy.saga.tenant import Credential
from tests import real_systems
from tests.integration.engine_harness import HANDLE, SCHEMA, STORAGE, EngineHarness
from tests.unit.sagas import TENANT

OLD, NEW = {"k1": real_systems.KEYRING.keys["k1"]}, {"k2": b"the key of the second year, 32 bytes"}


def test_a_credential_is_the_same_whenever_it_is_derived():
    derived = real_systems.KEYRING.derive(TENANT, Credential("k1", 1), "a purpose")
    assert derived == real_systems.KEYRING.derive(TENANT, Credential("k1", 1), "a purpose")
    assert derived == "214fe225de8f615220ed35077213461ca250269223596d7d996ec26b535ac480"


def test_key_generation_tenant_and_purpose_each_make_another_one():
    ring = Keyring("k2", {**OLD, **NEW})
    other = TenantId(UUID(int=TENANT.int + 1))
    derived = {
        ring.derive(TENANT, Credential("k1", 1), "a purpose"),
        ring.derive(TENANT, Credential("k2", 1), "a purpose"),
        ring.derive(TENANT, Credential("k1", 2), "a purpose"),
        ring.derive(other, Credential("k1", 1), "a purpose"),
        ring.derive(TENANT, Credential("k1", 1), "another"),
    }
    assert len(derived) == 5


def test_a_keyring_shows_none_of_its_keys():
    assert repr(real_systems.KEYRING) == "Keyring(current='k1')"


def _with_keys(harness: EngineHarness, current: str, keys: dict[str, bytes]) -> None:
    harness.tenancy = replace(harness.tenancy, keyring=Keyring(current, keys))


def _password(harness: EngineHarness) -> str:
    role = next(resource for resource in harness.saga.resources if resource.kind == "role")
    assert role.credential is not None
    return harness.tenancy.keyring.derive(harness.tenant_id, role.credential, PASSWORD)


def test_an_attempt_keeps_the_key_it_began_with_when_keys_are_rotated(harness: EngineHarness):
    harness.run_until(HANDLE)
    _with_keys(harness, "k2", {**OLD, **NEW})
    assert harness.run_all(number=2).phase == "Active"
    assert {r.credential for r in harness.saga.resources if r.credential} == {Credential("k1", 1)}


def test_the_next_attempt_uses_the_new_key(harness: EngineHarness):
    harness.run_until(SCHEMA)
    harness.run_failed()
    harness.record_commands(c.Reset())
    _with_keys(harness, "k2", NEW)
    assert harness.run_all(5, RunId("run-2")).phase == "Active"
    assert {r.credential for r in harness.saga.resources if r.credential} == {Credential("k2", 1)}


def test_a_lost_key_is_named_with_where_to_put_it_back(harness: EngineHarness):
    harness.run_until(SCHEMA)
    _with_keys(harness, "k2", NEW)
    with pytest.raises(PlatformError, match="key k1 is not in the Airflow connection tenancy_credentials"):
        harness.run(SCHEMA)
    assert "Put the old key back" in harness.facts(f.ActivityFailed)[0].message
    _with_keys(harness, "k2", {**OLD, **NEW})
    assert harness.run_all(number=2).phase == "Active"


def test_the_handles_password_opens_the_tenants_database(harness: EngineHarness):
    harness.run_all()
    (handle,) = harness.handles.stored.values()
    assert handle.password == _password(harness)
    with psycopg.connect(
        host=handle.host, port=handle.port, dbname=handle.dbname, user=handle.user, password=handle.password
    ) as connection:
        assert connection.execute("select slug from tenant.accounts").fetchone() == ("acme",)


def test_no_fact_and_no_row_holds_a_credential(harness: EngineHarness):
    harness.run_until(STORAGE)
    harness.run_all(number=2)
    written = json.dumps([data_of(envelope.fact) for envelope in harness.envelopes])
    assert _password(harness) not in written
    assert OLD["k1"].hex() not in written
