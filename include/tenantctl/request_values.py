"""What a request for a tenant asks for, from a file and from options. The API's server checks all of it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tenantctl.exit_codes import UsageError

Request = dict[str, Any]


def requested(file: Path | None, settings: Iterable[str] | None, **options: str | None) -> Request:
    """The request's fields: the options', else the file's. UsageError when the file cannot be read."""
    request = read_file(file) if file else {}
    parameters = {**request.get("parameters", {}), **read_settings(settings)}
    given = {name: value for name, value in options.items() if value}
    return {**request, **given, **({"parameters": parameters} if parameters else {})}


def read_settings(settings: Iterable[str] | None) -> dict[str, str]:
    """The product's parameters of `--set key=value`, as texts: the server reads numbers, true and false from them as
    the product's schema asks for."""
    pairs = [setting.partition("=") for setting in settings or ()]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"--set {key or '='}: write key=value, such as --set seats=5.")
    return {key: value for key, _, value in pairs}


def read_file(file: Path) -> Request:
    """The request in a JSON file, or in a TOML file, whose name ends with .toml."""
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise UsageError(f"--from {file}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if file.suffix == ".toml" else "JSON"
        raise UsageError(f"--from {file}: is not {kind}: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("parameters", {}), dict):
        raise UsageError(f"--from {file}: must be an object with the fields of a request, and so must `parameters`.")
    plain: Request = json.loads(json.dumps(document, default=str))  # TOML has dates, which JSON does not
    return plain
