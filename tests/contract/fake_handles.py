"""A workflow engine in memory. It passes the same contract as the real one (handles_contract.py)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tenancy.adapters.airflow_api import Handle
from tenancy.saga.errors import PermanentError, TransientError
from tests.contract.connection_cuts import LineCutter


class FakeHandles:
    """Connections by name. `failing` calls from now on are not answered; `cutter` cuts the connection for good;
    `meanwhile` happens once, while the next call is under way."""

    def __init__(self, *pools: str) -> None:
        self.pools = {"default_pool", *pools}
        self.stored: dict[str, Handle] = {}
        self.system = "airflow:fake"
        self.failing = 0
        self.cutter: LineCutter | None = None
        self.meanwhile: Callable[[], None] | None = None

    def identity(self, *, make: bool = False) -> str:
        kept, self.meanwhile = self.meanwhile, None  # for the calls that a test is about
        try:
            with self._call:
                self.system = self.system or ("airflow:made" if make else "")
                return self.system
        finally:
            self.meanwhile = kept

    def handle(self, name: str) -> Handle | None:
        with self._call:
            stored = self.stored.get(name)
            return _masked(stored) if stored else None

    def handles(self) -> Iterator[Handle]:
        with self._call:
            yield from [_masked(self.stored[name]) for name in sorted(self.stored)]

    def create_handle(self, handle: Handle) -> bool:
        with self._call:
            return self.stored.setdefault(handle.name, handle) is handle

    def update_handle(self, handle: Handle) -> None:
        with self._call:
            if handle.name not in self.stored:
                raise PermanentError(f"The workflow engine answered 404 to PATCH /connections/{handle.name}")
            self.stored[handle.name] = handle

    def delete_handle(self, name: str) -> None:
        with self._call:
            self.stored.pop(name, None)

    def has_pool(self, name: str) -> bool:
        with self._call:
            return name in self.pools

    @property
    def _call(self) -> "_Call":
        return _Call(self)


class _Call:
    """One call: refused before, or cut off after, its effect."""

    def __init__(self, engine: FakeHandles) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        happening, self._engine.meanwhile = self._engine.meanwhile, None
        if happening:
            happening()
        dead = self._engine.cutter is not None and self._engine.cutter.cut
        if dead or self._engine.failing > 0:
            self._engine.failing -= 1
            raise TransientError("The workflow engine does not respond.")

    def __exit__(self, *_: object) -> None:
        if self._engine.cutter is not None and self._engine.cutter.count():
            raise TransientError("The workflow engine hung up.")


def _masked(handle: Handle) -> Handle:
    return replace(handle, password="")
