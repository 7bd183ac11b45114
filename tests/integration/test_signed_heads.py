"""What somebody with all rights in the ledger's database changes is found: they do not have the key."""

from dataclasses import replace

import pytest

from tenancy.engine.reconciliation.drift_check import run_drift_check
from tenancy.ledger import findings, signed_heads
from tenancy.ledger.envelope import seal
from tenancy.ledger.findings import Finding
from tenancy.saga import commands as c
from tenancy.saga.credentials import Keyring
from tests.integration.engine_harness import EngineHarness
from tests.real_systems import KEYRING, LEDGER_DATABASE, without_guards


def tamper(harness: EngineHarness, *statements: str) -> None:
    """As a superuser, with all triggers off."""
    with without_guards(harness.server, LEDGER_DATABASE) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(harness: EngineHarness) -> list[Finding]:
    run_drift_check(harness.tenancy)
    with harness.tenancy.ledger.open("test") as ledger:
        return [each.finding for each in findings.load_open_findings(ledger)]


def signed(harness: EngineHarness) -> list[signed_heads.SignedHead]:
    with harness.tenancy.ledger.open("test") as ledger:
        return list(signed_heads.load_signed_heads(ledger))


@pytest.fixture
def provisioned(harness: EngineHarness) -> EngineHarness:
    """An Active tenant, of whose facts two heads were signed."""
    harness.run_all()
    assert found(harness) == []
    harness.record_commands(c.Escalate())
    assert found(harness) == []
    return harness


def test_each_pass_signs_what_is_new_and_nothing_twice(provisioned: EngineHarness):
    before = signed(provisioned)
    assert [each.id for each in before] == [1, 2]
    assert before[-1].head.hash == provisioned.envelopes[-1].hash
    assert found(provisioned) == []
    assert signed(provisioned) == before


def test_a_history_rewritten_by_somebody_who_computes_the_chain_anew_is_found(provisioned: EngineHarness):
    previous, updates = "", []
    for each in provisioned.envelopes:
        forged = replace(each.stamp, actor="nobody")
        anew = seal(each.stream, each.fact, seq=each.seq, at=each.at, attempt=each.attempt, stamp=forged, prev=previous)
        updates.append(
            f"update ledger.fact set actor = 'nobody', prev_hash = '{previous}', hash = '{anew.hash}'"
            f" where seq = {each.seq}"
        )
        previous = anew.hash
    tamper(provisioned, *updates)
    (finding,) = found(provisioned)
    assert (finding.kind, finding.tenant_id) == ("facts", provisioned.tenant_id)
    assert "another hash than the one we signed" in finding.message


def test_a_removed_last_fact_is_found(provisioned: EngineHarness):
    last = len(provisioned.envelopes)
    tamper(provisioned, f"delete from ledger.fact where seq = {last}")
    assert any(f"fact {last}, whose hash we signed, is missing" in each.message for each in found(provisioned))


def test_a_removed_tenant_is_found(provisioned: EngineHarness):
    tamper(provisioned, *(f"delete from ledger.{table}" for table in ("fact", "resource", "run", "tenant")))
    assert any(each.kind == "facts" and "0 facts are there" in each.message for each in found(provisioned))


@pytest.mark.parametrize(
    "statement",
    [
        "delete from ledger.signed_head where id = 1",
        "update ledger.signed_head set hash = repeat('a', 64) where id = 2",
        "update ledger.signed_head set seq = seq + 1 where id = 1",
        "update ledger.signed_head set at = at + interval '1 s' where id = 2",
        "update ledger.signed_head set signature = repeat('b', 64) where id = 2",
        "update ledger.signed_head set id = id + 1 where id = 2",
        "insert into ledger.signed_head select 3, stream, 1, hash, at, kid, hash from ledger.signed_head where id = 2",
    ],
)
def test_a_changed_signature_is_found_and_nothing_more_is_signed(provisioned: EngineHarness, statement: str):
    tamper(provisioned, statement)
    provisioned.record_commands(c.Escalate())
    before = signed(provisioned)
    assert "signed heads" in [each.kind for each in found(provisioned)]
    assert signed(provisioned) == before


def test_signatures_of_a_retired_key_are_believed_while_the_keyring_has_it(provisioned: EngineHarness):
    rotated = Keyring("k2", {**KEYRING.keys, "k2": b"another key of tests, 32 bytes long"})
    heads = signed(provisioned)
    assert signed_heads.find_first_forged(rotated, heads) is None
    later = replace(provisioned.tenancy, keyring=rotated)
    provisioned.record_commands(c.Escalate())
    assert run_drift_check(later) == "nothing found"
    assert [each.kid for each in signed(provisioned)] == ["k1", "k1", "k2"]
    lost = replace(provisioned.tenancy, keyring=Keyring("k2", {"k2": rotated.keys["k2"]}))
    assert run_drift_check(lost) == "1 edited"


def test_the_last_signature_is_in_the_log(provisioned: EngineHarness, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO"):
        run_drift_check(provisioned.tenancy)
    assert f"signature {signed(provisioned)[-1].signature}" in caplog.text
