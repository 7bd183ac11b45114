"""How an activity of a package enters its system: by an Airflow connection that the platform file names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenancy.saga.errors import PlatformFileError
from tenancy.saga.platform import Platform, Region


@dataclass(frozen=True)
class Connection:
    """An Airflow connection's values. The password is in no message and no repr."""

    id: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def connection_id(region: Region, system: str) -> str:
    """The id of the region's connection to this system. PlatformFileError, with the line to add, if it has none."""
    found = region.connections.get(system)
    if not found:
        raise PlatformFileError(
            f"The platform file's region {region.name} has no connection to {system}. Add the id of an Airflow "
            f'connection: [regions.{region.name}.connections] {system} = "...".'
        )
    return found


def regions_with(platform: Platform, system: str) -> Iterator[tuple[Region, str]]:
    """The regions that have a connection to this system, each with the connection's id."""
    for region in platform.regions.values():
        if system in region.connections:
            yield region, region.connections[system]
