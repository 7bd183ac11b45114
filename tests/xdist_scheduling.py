"""Which tests may run at the same time: a file stays on one worker, and so does a folder with a sandbox of its own.

`make test` has three workers for two cores. Tests with a sandbox mostly wait, and the last worker uses that time: it
takes the groups that need no sandbox, at a lower priority, and never starts one (docs/adr/0020-pytest-xdist.md).
"""

import os
from pathlib import PurePosixPath
from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_OF_ONE_SANDBOX: Final = {"acceptance/stalls": "limited", "acceptance/products": "products"}
_IN_SANDBOXES: Final = ("tests/acceptance/", "tests/console/", "tests/chaos/", *_OF_ONE_SANDBOX.values())
_WITH_CLOCKS: Final = ("tests/integration/test_console_in_a_browser.py",)
"""They wait for a browser, for seconds, which may be too short at a lower priority."""
_LEAST_WORKERS: Final = 3
"""With fewer, each takes what comes next."""
_LOWER: Final = 10
"""The niceness of the last worker."""


class BySandbox(LoadScopeScheduling):
    """Hands out whole groups. By their place, because xdist 3.8.0 does not see its groups' marks with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])

    def _assign_work_unit(self, node: WorkerController) -> None:
        apart = self._is_apart(node)
        preferred = next((group for group in self.workqueue if needs_sandbox(group) is not apart), None)
        if preferred is not None:
            self.workqueue.move_to_end(preferred, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        only_sandboxes = bool(self.workqueue) and all(map(needs_sandbox, self.workqueue))
        if only_sandboxes and self._is_apart(node) and not node.shutting_down:
            node.shutdown()  # once it has done what it has
        else:
            super()._reschedule(node)

    def _is_apart(self, node: WorkerController) -> bool:
        return is_apart(node.gateway.id, self.numnodes)


def is_apart(worker: str, workers: int) -> bool:
    """Is this worker, such as gw2, the one without a sandbox?"""
    return workers >= _LEAST_WORKERS and worker == f"gw{workers - 1}"


def lower_priority() -> None:
    """In the worker without a sandbox: the others go first."""
    if is_apart(os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))):
        os.nice(_LOWER)


def group_of(file: str) -> str:
    """Of a test file as pytest names it, such as tests/unit/test_x.py."""
    folder = PurePosixPath(file).parent.relative_to("tests").as_posix()
    return _OF_ONE_SANDBOX.get(folder, file)


def needs_sandbox(group: str) -> bool:
    """May its tests start a sandbox, or do they need a worker of the usual priority?"""
    return group.startswith((*_IN_SANDBOXES, *_WITH_CLOCKS))
