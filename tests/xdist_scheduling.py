"""Which tests may run at the same time (`make test` has two workers): a file stays on one worker, and so does a
folder with a sandbox of its own.

Each worker has a sandbox of its own (sandboxes.py), so any of them can run any file.
"""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

_OF_ONE_SANDBOX = {"acceptance/stalls": "limited", "acceptance/products": "products"}


class BySandbox(LoadScopeScheduling):
    """Hands out whole groups. By their place, because xdist 3.8.0 does not see its groups' marks with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])


def group_of(file: str) -> str:
    """Of a test file as pytest names it, such as tests/unit/test_x.py."""
    folder = PurePosixPath(file).parent.relative_to("tests").as_posix()
    return _OF_ONE_SANDBOX.get(folder, file)
