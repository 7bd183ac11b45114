"""A cluster that answers 403 to every request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from kubernetes.client import Configuration

from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import KubernetesApi
from tests.integration.engine_harness import EngineHarness

_FORBIDDEN = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}'


class _Forbids(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_FORBIDDEN)))
        self.end_headers()
        self.wfile.write(_FORBIDDEN)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def forbidden(harness: EngineHarness) -> Iterator[None]:
    """The cluster answers 403 to everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forbids)
    Thread(target=server.serve_forever, daemon=True).start()
    entered = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    label = "the cluster of region eu-central"
    cluster = Cluster(KubernetesApi(entered, label), Helm(lambda: kubeconfig(entered), label))
    before = harness.tenancy
    harness.tenancy = replace(before, clients=replace(before.clients, cluster=lambda region: cluster))
    try:
        yield
    finally:
        harness.tenancy = before
        server.shutdown()
        server.server_close()
