"""Reports a sandbox that does not start as one error with its reason, and its other tests as not run."""

from collections.abc import Generator
from typing import Final

import pytest

from sandbox.problems import SandboxError

_REPORTED: Final = pytest.StashKey[set[str]]()
_OF_A_SANDBOX: Final = {"sandbox", "limited"}


class SandboxDidNotStartError(Exception):
    """`reason` is the sandbox's own sentence, with the last lines of the log at fault."""

    def __init__(self, reason: SandboxError) -> None:
        super().__init__(f"the sandbox did not start: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A sandbox's start has its own bounds (300 s to prepare, 180 s to be healthy); a test's limit is for the test."""
    for item in items:
        if _OF_A_SANDBOX & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(300, func_only=True), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, SandboxDidNotStartError):
        _shorten(report, item, str(call.excinfo.value))
    return report


def _shorten(report: pytest.TestReport, item: pytest.Item, reason: str) -> None:
    reported = item.config.stash.setdefault(_REPORTED, set())
    if reason in reported:
        path, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (path, line or 0, f"Skipped: not run: {reason}")
    else:
        reported.add(reason)
        report.longrepr = f"not run: {reason}"
