"""The fake runs keep the contract."""

import pytest

from tests.contract.fake_runs import FakeRuns
from tests.contract.runs_contract import RunsContract


class TestFakeRuns(RunsContract):
    @pytest.fixture
    def runs(self) -> FakeRuns:
        return FakeRuns()
