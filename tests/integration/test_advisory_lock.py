"""The tenant's lock: one hand at a time, waited for, taken from those who do not let go, ended with its session."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import psycopg
import pytest

from tenancy.adapters.advisory_lock import Holder, acquire_lock, release_lock
from tenancy.adapters.application_names import UNWINDER
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session, session
from tenancy.engine.tenancy import may_evict
from tenancy.saga.errors import TransientError
from tenancy.saga.names import TenantId, lock_key
from tests.unit.sagas import TENANT

KEY = lock_key(TENANT)
Open = Callable[[str], Session]


@pytest.fixture
def opened(storage_dsn: Dsn) -> Iterator[Open]:
    """Opens sessions; they end with the test."""
    with ExitStack() as stack:
        yield lambda application: stack.enter_context(session(storage_dsn, application=application))


def _take(mine: Session, *, patience: float = 0.1, key: int = KEY) -> tuple[Holder, ...]:
    return acquire_lock(mine, key, patience_seconds=patience, may_evict=may_evict)


@contextmanager
def _waiting(mine: Session, **wishes: float) -> Iterator[list[tuple[Holder, ...]]]:
    """Somebody waits for the lock in a thread of his own; what he got is in the list at the end."""
    got: list[tuple[Holder, ...]] = []
    thread = threading.Thread(target=lambda: got.append(_take(mine, **wishes)))
    thread.start()
    yield got
    thread.join(10)


def test_a_free_lock_is_taken_and_nobody_is_evicted(opened: Open):
    assert _take(opened("tenancy run ti-1")) == ()


def test_taking_it_again_in_the_same_session_is_fine(opened: Open):
    mine = opened("tenancy run ti-1")
    assert _take(mine) == _take(mine) == ()


def test_the_locks_of_two_tenants_do_not_meet(opened: Open):
    other = lock_key(TenantId(UUID(int=TENANT.int + 1)))
    _take(opened("tenancy run ti-1"))
    assert _take(opened("tenancy run ti-2"), key=other) == ()


@pytest.mark.parametrize("key", [0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63)])
def test_any_key_finds_its_holder(opened: Open, key: int):
    _take(opened("tenancy run ti-1"), key=key)
    (evicted,) = _take(opened("tenancy run ti-2"), key=key)
    assert evicted.application == "tenancy run ti-1"


def test_a_lock_given_back_in_time_is_waited_for(opened: Open):
    first, second = opened("tenancy run ti-1"), opened("tenancy run ti-2")
    _take(first)
    with _waiting(second, patience=5) as got:
        time.sleep(0.05)
        release_lock(first, KEY)
    assert got == [()]


def test_a_holder_that_does_not_release_the_lock_is_evicted_and_named(opened: Open):
    stopped, next_one = opened("tenancy run ti-1"), opened("tenancy run ti-2")
    _take(stopped)
    (evicted,) = _take(next_one)
    assert evicted.application == "tenancy run ti-1"
    assert str(evicted) == f"tenancy run ti-1 (backend {evicted.pid}, idle)"
    with pytest.raises(psycopg.OperationalError):
        stopped.execute("select 1")


def test_an_evicted_holder_is_waited_for_before_the_lock_is_had(opened: Open, storage_dsn: Dsn):
    """A statement of his that still runs has ended: nothing of it can happen after the lock was taken."""
    busy, next_one = opened("tenancy run ti-1"), opened("tenancy run ti-2")
    _take(busy)
    thread = threading.Thread(target=_sleep_until_cut, args=(busy,))
    thread.start()
    (evicted,) = _take(next_one)
    assert next_one.execute("select from pg_stat_activity where pid = %s", (evicted.pid,)).fetchone() is None
    thread.join(10)


def _sleep_until_cut(mine: Session) -> None:
    with pytest.raises(psycopg.OperationalError):
        mine.execute("select pg_sleep(20)")


def test_an_unwinder_is_never_evicted_and_is_named_to_waiting_processes(opened: Open):
    unwinder, impatient = opened(f"{UNWINDER} reconciler"), opened("tenancy run ti-2")
    _take(unwinder)
    with pytest.raises(TransientError, match=rf"Another process works on this tenant: {UNWINDER} reconciler \(backend"):
        _take(impatient)
    assert unwinder.execute("select 1 as alive").fetchone() == {"alive": 1}


def test_the_lock_ends_with_its_session(storage_dsn: Dsn, opened: Open):
    with session(storage_dsn, application="tenancy run ti-1") as first:
        _take(first)
    assert _take(opened("tenancy run ti-2")) == ()


def test_the_lock_survives_the_end_of_a_transaction(opened: Open):
    first, second = opened(f"{UNWINDER} ti-1"), opened("tenancy run ti-2")
    with first.transaction():
        _take(first)
    with pytest.raises(TransientError):
        _take(second)


def test_of_many_that_wait_each_has_it_alone(storage_dsn: Dsn, opened: Open):
    inside, most = [0], [0]

    def work() -> None:
        with session(storage_dsn, application="tenancy run many") as mine:
            acquire_lock(mine, KEY, patience_seconds=10, may_evict=may_evict)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1
            release_lock(mine, KEY)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1]
