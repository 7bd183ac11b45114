"""How clients find the cluster: its token and a kubeconfig file in its data folder.

Written at every start, because the port may be another; only the owner may read them.
"""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Final

_NAME: Final = "emulator"


def ensure_token(file: Path) -> str:
    """The token in the file; a new one when there is no file yet."""
    if file.exists():
        return file.read_text(encoding="utf-8").strip()
    token = secrets.token_urlsafe(32)
    write_private(file, token)
    return token


def write_private(file: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it, from the first byte on."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def kubeconfig(url: str, token: str, ca_pem: str) -> str:
    """JSON, which every reader of YAML takes."""
    authority = base64.b64encode(ca_pem.encode()).decode()
    cluster = {"server": url, "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": _NAME, "cluster": cluster}],
            "users": [{"name": _NAME, "user": {"token": token}}],
            "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
            "current-context": _NAME,
        },
        indent=1,
    )
