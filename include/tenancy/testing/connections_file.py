"""Reads the connections of a test: a TOML file with one table for each kind of system.

[object_store]
host = "127.0.0.1"
port = 5000
login = "key"
password = "secret"
extra = {endpoint_url = "http://127.0.0.1:5000"}
"""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tenancy.saga.connections import Connection
from tenancy.saga.errors import Refused


def read_connections(file: Path) -> dict[str, Connection]:
    """Kind of system -> connection. Refused, with the file and every mistake."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return {system: _connection(system, table) for system, table in document.items()}
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Refused(f"{file} is wrong: {wrong}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{file} is not TOML: {error}.") from error


def _connection(system: str, table: Any) -> Connection:
    given = {"id": f"bench_{system}", **table} if isinstance(table, dict) else table
    return TypeAdapter(Connection).validate_python(given)
