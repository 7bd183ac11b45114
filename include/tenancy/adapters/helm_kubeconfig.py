"""Makes a kubeconfig for Helm from the configuration of the Kubernetes client.

Helm connects exactly as the client does, whatever kind of Airflow connection it is (a kubeconfig, a token, in-cluster).
Files are included by content, because the client's own are temporary.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

from kubernetes.client import Configuration

_NAME = "region"
_SCHEME = re.compile(r"^bearer ", re.IGNORECASE)
"""In a pod the client writes this word in lower case, elsewhere with a capital (kubernetes 36.0)."""


def kubeconfig(configuration: Configuration) -> str:
    """The kubeconfig as JSON, which every YAML parser reads. It holds secrets."""
    cluster = {"server": configuration.host, **_trust(configuration)}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": _NAME, "cluster": cluster}],
            "users": [{"name": _NAME, "user": _user(configuration)}],
            "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
            "current-context": _NAME,
        }
    )


def _trust(configuration: Configuration) -> dict[str, Any]:
    trust: dict[str, Any] = {}
    if not configuration.verify_ssl:
        trust["insecure-skip-tls-verify"] = True
    elif configuration.ssl_ca_cert:
        trust["certificate-authority-data"] = _content(configuration.ssl_ca_cert)
    if configuration.tls_server_name:
        trust["tls-server-name"] = configuration.tls_server_name
    return trust


def _user(configuration: Configuration) -> dict[str, str]:
    user: dict[str, str] = {}
    key = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    if key:
        user["token"] = _SCHEME.sub("", str(key)).strip()
    if configuration.cert_file and configuration.key_file:
        user["client-certificate-data"] = _content(configuration.cert_file)
        user["client-key-data"] = _content(configuration.key_file)
    return user


def _content(file: str) -> str:
    return base64.b64encode(Path(file).read_bytes()).decode()
