"""Watches a cluster for changes, asynchronously. Two watches serve all waiting tasks of a triggerer
(orchestration/change_notifier.py).

It uses httpx, which Airflow has loaded anyway. The asynchronous Kubernetes client would load 37 MB of models to read
names.
"""

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
from kubernetes.client import Configuration
from kubernetes.client.rest import should_bypass_proxies

EVERYWHERE = ""
_SELECTOR = "app.kubernetes.io/part-of=tenancy"
_WATCH_SECONDS = 300
_BOUNDS = httpx.Timeout(15)
_WATCHING = httpx.Timeout(15, read=_WATCH_SECONDS + 30)


async def watch_changes(configuration: Configuration, path: str) -> AsyncGenerator[str, None]:
    """Yields the namespace of each change until the server ends the watch. EVERYWHERE comes first, for earlier
    changes."""
    async with _client(configuration) as client:
        newest = await client.send(_request(client, configuration, path, limit="1"))
        since = newest.raise_for_status().json()["metadata"]["resourceVersion"]
        yield EVERYWHERE
        options = {"watch": "true", "resourceVersion": since, "timeoutSeconds": str(_WATCH_SECONDS)}
        answer = await client.send(_request(client, configuration, path, _WATCHING, **options), stream=True)
        async with aclosing(answer):
            async for line in _lines(answer.raise_for_status()):
                yield _place(json.loads(line))


def _request(
    client: httpx.AsyncClient, configuration: Configuration, path: str, bounds: httpx.Timeout = _BOUNDS, **query: str
) -> httpx.Request:
    named = {"sni_hostname": configuration.tls_server_name} if configuration.tls_server_name else {}
    return client.build_request(
        "GET", path, params=query | {"labelSelector": _SELECTOR}, timeout=bounds, extensions=named
    )


def _place(change: dict[str, Any]) -> str:
    if change["type"] == "ERROR":
        raise RuntimeError(change["object"].get("message", "the watch ended"))
    return str(change["object"]["metadata"]["namespace"])


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """httpx's own line splitting also ends lines at U+0085 and similar characters, which JSON may contain."""
    rest = b""
    async for chunk in answer.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line


def _client(configuration: Configuration) -> httpx.AsyncClient:
    """Connects as the synchronous client does (kubernetes 36.0, RESTClientObject)."""
    token = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return httpx.AsyncClient(
        base_url=configuration.host,
        headers={"Accept": "application/json"} | ({"Authorization": str(token)} if token else {}),
        transport=httpx.AsyncHTTPTransport(
            verify=_tls(configuration),
            trust_env=False,  # the configuration has read the proxy's variables
            proxy=_proxy(configuration),
            socket_options=configuration.socket_options,
        ),
    )


def _proxy(configuration: Configuration) -> httpx.Proxy | None:
    if not configuration.proxy or should_bypass_proxies(configuration.host, configuration.no_proxy or ""):
        return None
    return httpx.Proxy(configuration.proxy, headers=configuration.proxy_headers)


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
