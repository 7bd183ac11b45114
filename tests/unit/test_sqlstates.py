"""Every error code of PostgreSQL is decided: whose fault, what cause; none by a class that nobody thought of."""

from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from tenancy.activities.advice import advise
from tenancy.activities.remedies import REMEDIES
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.postgres_errors import translated_error
from tenancy.adapters.sqlstates import CLASSES, CODES, ErrorCategory, classify_sqlstate, is_decided
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tenancy.saga.states import State, Substate
from tests.unit.test_stalls import LIMITS, NOW, standing

STORAGE = Dsn("db.test", 5432, "postgres", "admin", "x", "the storage of region eu-central")
LEDGER = Dsn("db.test", 5432, "ledger", "ledger", "x", "the ledger", is_ledger=True)
TENANT = STORAGE.to_database("acme", user="acme", password="x")
EVERY = {
    error.sqlstate: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, psycopg.Error) and error.sqlstate
}
BY_FAULT = {
    ErrorCategory.TRANSIENT: [
        "08000", "08001", "08003", "08004", "08006", "08007", "25006", "25P03", "25P04", "40000", "40001", "40003",
        "40P01", "53000", "53100", "53200", "53300", "53400", "55006", "55P03", "57000", "57014", "57P01", "57P02",
        "57P03", "57P05", "72000",
    ],
    ErrorCategory.PLATFORM: [
        "08P01", "0A000", "0L000", "0LP01", "0P000", "26000", "28000", "28P01", "3D000", "42501", "42P05", "55P02",
        "57P04", "58000", "58030", "58P01", "58P02", "F0000", "F0001", "XX000", "XX001", "XX002",
    ],
    ErrorCategory.TENANT: ["22001", "22P02", "22021", "23502", "23503", "23505", "23514", "44000", "P0001", "40002"],
    ErrorCategory.PERMANENT: ["42601", "42703", "42P01", "42710", "42P04", "2BP01", "3F000", "54001", "55000", "25001",
                      "HV000"],
}  # fmt: skip


def test_psycopg_knows_the_whole_appendix():
    assert len(EVERY) > 250
    assert {code[:2] for code in EVERY} <= set(CLASSES)


@pytest.mark.parametrize("code", EVERY)
def test_every_code_is_decided_and_has_advice(code: str):
    assert is_decided(code)
    for dsn, connecting in ((STORAGE, False), (STORAGE, True), (LEDGER, False), (LEDGER, True), (TENANT, False)):
        ours = translated_error(EVERY[code]("said so"), dsn, connecting=connecting)
        assert isinstance(ours, TransientError | PermanentError | PlatformError)
        assert ours.cause in REMEDIES
        assert f"[{code}]" in str(ours)


def test_every_code_that_is_decided_is_one_of_postgresqls():
    assert set(CODES) <= set(EVERY)


@pytest.mark.parametrize(("fault", "code"), [(fault, code) for fault, codes in BY_FAULT.items() for code in codes])
def test_the_fault_of_each_code_is_as_listed_here(fault: ErrorCategory, code: str):
    assert classify_sqlstate(code).category is fault


@pytest.mark.parametrize("code", EVERY)
def test_what_keeps_us_from_entering_is_never_the_tenants_fault(code: str):
    assert classify_sqlstate(code, connecting=True).category in {ErrorCategory.TRANSIENT, ErrorCategory.PLATFORM}
    assert type(translated_error(EVERY[code]("x"), STORAGE, connecting=True)) in {TransientError, PlatformError}


@pytest.mark.parametrize("code", EVERY)
def test_a_transient_or_platform_fault_always_has_a_cause_of_a_system(code: str):
    verdict = classify_sqlstate(code)
    if verdict.category is ErrorCategory.PLATFORM:
        assert verdict.cause.system == "storage"
    assert classify_sqlstate(code, at_ledger=True).cause.system == "ledger"


def test_a_tenants_missing_database_is_the_tenants_but_its_login_is_ours():
    assert type(translated_error(errors.InvalidCatalogName("x"), TENANT, connecting=True)) is PermanentError
    assert type(translated_error(errors.InsufficientPrivilege("x"), TENANT)) is PermanentError
    assert type(translated_error(errors.InsufficientPrivilege("x"), STORAGE)) is PlatformError
    assert isinstance(translated_error(errors.InvalidPassword("x"), TENANT, connecting=True), PlatformError)


def test_a_code_that_nobody_documents_is_permanent():
    assert classify_sqlstate("QQ123").category is ErrorCategory.PERMANENT


@pytest.mark.parametrize("cause", [Cause.STORAGE_READ_ONLY, Cause.STORAGE_CREDENTIALS, Cause.STORAGE_POOLER])
def test_such_a_failure_is_reported_as_the_platforms_fault(cause: Cause):
    how = replace(standing(), state=State.FAILED, substate=Substate.SETTLED, failure_cause=cause)
    assert advise(how, None, NOW, LIMITS).not_its_fault


def test_the_message_is_not_read():
    for message in ("", "kaputt", "FATAL: password authentication failed", "too many connections"):
        assert classify_sqlstate("25006") == classify_sqlstate("25006")
        assert type(translated_error(errors.ReadOnlySqlTransaction(message), STORAGE)) is TransientError
        assert type(translated_error(errors.SyntaxError(message), STORAGE)) is PermanentError
