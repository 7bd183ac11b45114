"""The contract of every workflow engine's handles: subclass `HandlesContract` and provide the engine.

Passed by the fake (test_fake_handles.py) and by a real Airflow (tests/acceptance/test_airflow_api_contract.py).
"""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from tenancy.activities.context import Handles
from tenancy.adapters.airflow_api import Handle
from tenancy.saga.errors import PermanentError
from tenancy.saga.names import CONNECTION_LIMIT

MORE_THAN_A_PAGE = 101


class HandlesContract:
    """The contract. A subclass has a fixture `engine`."""

    @pytest.fixture
    def handle(self, engine: Handles) -> Iterator[Handle]:
        handle = _handle()
        yield handle
        engine.delete_handle(handle.name)

    def test_the_engines_identity_is_made_once_and_stays(self, engine: Handles):
        identity = engine.identity(make=True)
        assert identity.startswith("airflow:")
        assert {engine.identity(make=True), engine.identity()} == {identity}

    def test_a_handle_that_was_never_made_is_none(self, engine: Handles, handle: Handle):
        assert engine.handle(handle.name) is None

    def test_what_was_made_is_read_back_without_its_password(self, engine: Handles, handle: Handle):
        assert engine.create_handle(handle)
        stored = engine.handle(handle.name)
        assert stored == replace(handle, password="")

    def test_making_it_again_says_no_and_changes_nothing(self, engine: Handles, handle: Handle):
        engine.create_handle(handle)
        assert not engine.create_handle(replace(handle, proof="somebody else's", host="elsewhere"))
        assert engine.handle(handle.name) == replace(handle, password="")

    def test_an_update_makes_every_field_say_the_same(self, engine: Handles, handle: Handle):
        engine.create_handle(handle)
        changed = Handle(handle.name, "proof two", "db2.test", 6543, "db_two", "user_two", "new")
        engine.update_handle(changed)
        assert engine.handle(handle.name) == replace(changed, password="")

    def test_further_parameters_of_libpq_are_kept_and_replaced(self, engine: Handles, handle: Handle):
        secured = replace(handle, parameters={"sslmode": "verify-full", "sslrootcert": "/ca.pem"})
        engine.create_handle(secured)
        assert engine.handle(handle.name) == replace(secured, password="")
        engine.update_handle(replace(handle, parameters={"sslmode": "require"}))
        assert engine.handle(handle.name) == replace(handle, password="", parameters={"sslmode": "require"})

    def test_an_update_of_what_is_not_there_fails_for_good(self, engine: Handles, handle: Handle):
        with pytest.raises(PermanentError):
            engine.update_handle(handle)
        assert engine.handle(handle.name) is None

    def test_deleting_is_idempotent(self, engine: Handles, handle: Handle):
        engine.create_handle(handle)
        engine.delete_handle(handle.name)
        engine.delete_handle(handle.name)
        assert engine.handle(handle.name) is None

    def test_a_deleted_name_can_be_made_again(self, engine: Handles, handle: Handle):
        engine.create_handle(handle)
        engine.delete_handle(handle.name)
        assert engine.create_handle(handle)

    def test_the_longest_name_fits(self, engine: Handles):
        handle = _handle("n" * (CONNECTION_LIMIT - 10))
        assert len(handle.name) == CONNECTION_LIMIT
        engine.create_handle(handle)
        assert engine.handle(handle.name) == replace(handle, password="")
        engine.delete_handle(handle.name)

    def test_every_handle_is_listed_once_beyond_one_page(self, engine: Handles):
        names = {f"page_{number:03}_{uuid4().hex[:8]}" for number in range(MORE_THAN_A_PAGE)}
        for name in names:
            engine.create_handle(replace(_handle(), name=name))
        listed = [handle.name for handle in engine.handles()]
        for name in names:
            engine.delete_handle(name)
        assert len(listed) == len(set(listed))
        assert names <= set(listed)

    def test_a_listed_handle_shows_its_proof_and_no_password(self, engine: Handles, handle: Handle):
        engine.create_handle(handle)
        listed = {each.name: each for each in engine.handles()}
        assert listed[handle.name] == replace(handle, password="")

    def test_it_knows_which_pools_exist(self, engine: Handles):
        assert engine.has_pool("default_pool")
        assert not engine.has_pool("no_such_pool")


def _handle(prefix: str = "contract") -> Handle:
    name = f"{prefix}_{uuid4().hex[:9]}"
    return Handle(name, "tenancy:test:1", "db.test", 5432, "acme_1", "acme_1", "secret")
