"""The rows of tenant, run and resource are what the facts fold to, after every step; no other rows are let in."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from sandbox.postgres import PostgresServer
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.ledger.projection import resource_rows, tenant_row
from tenancy.saga import facts as f
from tenancy.saga.errors import TransientError
from tenancy.saga.evolve import fold
from tenancy.saga.facts import ActionRefused, HolderEvicted
from tenancy.saga.names import TenantId
from tenancy.saga.states import ResourceState, State, Substate
from tests.integration.lifecycles import FIRST_FAILS, WHOLE_LIFE
from tests.real_systems import superuser, without_guards
from tests.unit.sagas import OTHER_RUN, TENANT, start

STAMP = Stamp("ada")
DATABASE = "ledger_of_tests"


def _rows(server: PostgresServer, statement: str) -> list[dict[str, Any]]:
    with superuser(server, DATABASE) as connection:
        return connection.execute(statement.encode()).fetchall()


def _assert_rows_are_the_fold(server: PostgresServer, ledger: Ledger) -> None:
    with ledger.open("reader") as reader:
        envelopes = reader.envelopes(TENANT)
    saga, at = fold(envelope.fact for envelope in envelopes), envelopes[-1].at
    assert saga is not None
    (row,) = _rows(server, "select *, state::text, substate::text, updated_at as at from ledger.tenant")
    expected = tenant_row(saga, at)
    assert {key: row[key] for key in expected} == expected
    resources = _rows(server, "select *, state::text, credential_generation from ledger.resource order by position")
    expected_resources = [{k: v for k, v in r.items() if k != "at"} for r in resource_rows(None, saga, at)]
    assert [{k: v for k, v in r.items() if k != "updated_at"} for r in resources] == expected_resources
    runs = {row["run_id"]: row["attempt"] for row in _rows(server, "select * from ledger.run order by attempt")}
    assert runs == dict(saga.runs.attempts)


def test_the_rows_are_the_fold_of_the_facts_after_every_step_of_a_whole_life(
    fast_server: PostgresServer, ledger: Ledger, session: LedgerSession
):
    phases = set()
    for command in WHOLE_LIFE:
        phases.add(session.record(TENANT, command, stamp=STAMP).phase)
        _assert_rows_are_the_fold(fast_server, ledger)
    assert {phase.split()[0] for phase in phases} == set(State)
    assert {phase.removeprefix("Failed ") for phase in phases if phase.startswith("Failed")} == set(Substate)


def test_a_fact_that_only_informs_moves_the_rows_seq_along(
    fast_server: PostgresServer, ledger: Ledger, session: LedgerSession
):
    session.record(TENANT, *FIRST_FAILS, stamp=STAMP)
    session.append_notice(TENANT, HolderEvicted("the ledger", "somebody"), stamp=STAMP)
    session.append_notice(TENANT, ActionRefused("reset", "not now"), stamp=STAMP)
    _assert_rows_are_the_fold(fast_server, ledger)


def test_the_state_is_as_old_as_its_last_change(fast_server: PostgresServer, session: LedgerSession):
    session.record(TENANT, FIRST_FAILS[0], stamp=STAMP)
    created = session.envelopes(TENANT)[-1].at
    for command in FIRST_FAILS[1:-1]:
        session.record(TENANT, command, stamp=STAMP)
    (row,) = _rows(fast_server, "select created_at, state_since, updated_at from ledger.tenant")
    assert (row["created_at"], row["state_since"]) == (created, created)
    assert row["updated_at"] == session.envelopes(TENANT)[-1].at > created
    session.record(TENANT, FIRST_FAILS[-1], stamp=STAMP)
    (row,) = _rows(fast_server, "select created_at, state_since, updated_at from ledger.tenant")
    assert created == row["created_at"] < row["state_since"] == row["updated_at"]


@pytest.mark.parametrize(
    ("enum", "members"), [("tenant_state", State), ("failed_substate", Substate), ("resource_state", ResourceState)]
)
def test_pythons_enums_are_the_databases_enums(
    fast_server: PostgresServer, ledger: Ledger, enum: str, members: type[State]
):
    rows = _rows(
        fast_server,
        f"select enumlabel from pg_enum where enumtypid = 'ledger.{enum}'::regtype order by enumsortorder",
    )
    assert [row["enumlabel"] for row in rows] == [member.value for member in members]


@pytest.mark.parametrize(
    "change",
    [
        "tenant set state = 'Active'",
        "tenant set substate = null",
        "tenant set state = 'Active', substate = null",
        "tenant set attempt = 0",
        "tenant set generation = -1",
        "tenant set seq = 0",
        "resource set proof = ''",
        "resource set kid = 'k1', credential_generation = null",
        "run set attempt = 0",
    ],
)
def test_the_database_refuses_rows_that_no_saga_has(fast_server: PostgresServer, session: LedgerSession, change: str):
    session.record(TENANT, *FIRST_FAILS, stamp=STAMP)
    with superuser(fast_server, DATABASE) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"update ledger.{change}".encode())


@pytest.mark.parametrize("word", ["Provisionning", "active", ""])
def test_the_database_knows_no_other_states(fast_server: PostgresServer, session: LedgerSession, word: str):
    session.record(TENANT, start(), stamp=STAMP)
    with superuser(fast_server, DATABASE) as connection, pytest.raises(psycopg.errors.InvalidTextRepresentation):
        connection.execute("update ledger.tenant set state = %s::ledger.tenant_state", (word,))


def test_the_database_refuses_two_live_tenants_of_one_slug(fast_server: PostgresServer, session: LedgerSession):
    other = TenantId(UUID(int=TENANT.int + 1))
    session.record(TENANT, start(), stamp=STAMP)
    with pytest.raises(TransientError):  # the unique index answers every try
        session.record(other, start(OTHER_RUN, tenant_id=other), stamp=STAMP)
    assert session.envelopes(other) == []
    assert len(_rows(fast_server, "select from ledger.tenant")) == 1


def test_a_slug_is_free_again_once_its_tenant_is_decommissioned(fast_server: PostgresServer, session: LedgerSession):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    assert session.tenant_of_slug("acme") is None
    assert session.predecessor_of_slug("acme") == TENANT
    other = TenantId(UUID(int=TENANT.int + 1))
    session.record(other, start(OTHER_RUN, tenant_id=other), stamp=STAMP)
    assert session.tenant_of_slug("acme") == other
    assert len(_rows(fast_server, "select from ledger.tenant")) == 2


def test_an_object_has_one_owner_at_a_time(fast_server: PostgresServer, session: LedgerSession):
    session.record(TENANT, *FIRST_FAILS, stamp=STAMP)
    with without_guards(fast_server, DATABASE) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            """insert into ledger.resource
               select gen_random_uuid(), kind, name, proof, activity, state, position, null, null, now()
                 from ledger.resource limit 1"""
        )


def test_a_whole_life_shows_every_kind_of_fact_that_commands_make(session: LedgerSession):
    session.record(TENANT, *WHOLE_LIFE, stamp=STAMP)
    recorded = {type(envelope.fact) for envelope in session.envelopes(TENANT)}
    only_noted = {
        f.ActivityRefused, f.RequestRefused, f.ActionRefused, f.HolderEvicted, f.RawActionNoted,
        f.ProvisioningStalled, f.StallExplained, f.StallCleared, f.InvitationShown, f.InvitationRenewed,
        f.SystemReplaced, f.EngineRecorded, f.NoteAdded,
    }  # fmt: skip
    assert recorded == set(f.FACTS.values()) - only_noted
