"""The faults of PostgreSQL and Airflow that are set: one JSON file in the sandbox's home.

A fault is recorded before its effect begins, so that `clear` also finds what a killed `fault set` left.
"""

import secrets
from dataclasses import asdict, dataclass

from sandbox import json_files
from sandbox.layout import Layout


@dataclass(frozen=True)
class PlatformFault:
    """One fault of the platform; `tenant` is a slug, or "" for all."""

    id: str
    kind: str
    tenant: str = ""

    @property
    def process(self) -> str:
        """The name of the process that holds its session, if it has one."""
        return f"fault-{self.id}"


class FaultRecords:
    """The file in which they are recorded."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.faults

    def all(self) -> list[PlatformFault]:
        return [PlatformFault(**entry) for entry in json_files.read(self._path).values()]

    def add(self, kind: str, tenant: str) -> PlatformFault:
        fault = PlatformFault(secrets.token_hex(4), kind, tenant)
        json_files.write(self._path, json_files.read(self._path) | {fault.id: asdict(fault)})
        return fault

    def forget(self, fault: PlatformFault) -> None:
        entries = json_files.read(self._path)
        if entries.pop(fault.id, None) is not None:
            json_files.write(self._path, entries)
