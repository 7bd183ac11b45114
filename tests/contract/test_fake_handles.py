"""The fake workflow engine keeps the contract."""

import pytest

from tests.contract.fake_handles import FakeHandles
from tests.contract.handles_contract import HandlesContract


class TestFakeHandles(HandlesContract):
    @pytest.fixture
    def engine(self) -> FakeHandles:
        return FakeHandles()
