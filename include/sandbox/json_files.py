"""Small JSON documents on disk, replaced in one step.

Ports, secrets, processes and the preparation record are stored this way. A file that is not JSON is an error and never
replaced: it may contain the only copy of a password.
"""

import json
import os
from pathlib import Path
from typing import Any

from sandbox.problems import SandboxError


def read(path: Path) -> dict[str, Any]:
    """The document, or {} when there is none yet."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"{path} cannot be read ({error}); run `python -m sandbox down --purge` to start from nothing."
        ) from error
    return document if isinstance(document, dict) else {}


def write(path: Path, document: dict[str, Any]) -> None:
    """Replace the document in one step. Only its owner may read it, from the first byte on."""
    write_private(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
