"""Tenants' own addresses: who answers, who does not, and that the database is really asked."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from cluster_emulator.clock import Clock
from cluster_emulator.controllers.references import references
from cluster_emulator.disk import Disk
from cluster_emulator.emulator import ClusterEmulator
from cluster_emulator.faults import parse
from cluster_emulator.history import Key
from cluster_emulator.ingress.application import AppRequest, AppResponse, describe_request
from cluster_emulator.ingress.listener import secret_values
from cluster_emulator.kinds import DEPLOYMENT, INGRESS, POD, SECRET, SERVICE
from sandbox.tenant_app.application import TenantApp
from tests.unit.cluster import HOME, EmulatedCluster, deployment

HOST = "acme.tenants.example"


class Visitor:
    """A browser at the tenant's address."""

    def __init__(self, emulator: ClusterEmulator, session: aiohttp.ClientSession) -> None:
        self.emulator, self._session = emulator, session

    async def get(self, path: str = "/healthz", host: str = HOST) -> tuple[int, str]:
        async with self._session.get(path, headers={"Host": host}) as answer:
            return answer.status, await answer.text()

    async def until(self, status: HTTPStatus) -> str:
        async with asyncio.timeout(10):
            while (got := await self.get())[0] != status:
                await asyncio.sleep(0.05)
        return got[1]


def visit(dsn: str, story: Callable[[Visitor], Awaitable[None]]) -> None:
    async def run() -> None:
        emulator = ClusterEmulator(Disk(":memory:"), Clock(), application=TenantApp().answer)
        release(emulator, dsn)
        async with (
            emulator.serving("secret", 0, 0) as ports,
            aiohttp.ClientSession(f"http://127.0.0.1:{ports.ingress}") as session,
        ):
            await story(Visitor(emulator, session))

    asyncio.run(run())


def release(emulator: ClusterEmulator, dsn: str) -> None:
    """What a tenant's chart makes, in the default namespace."""
    create = emulator.registry.create
    create(SECRET, "default", {"metadata": {"name": "database"}, "stringData": {"dsn": dsn}})
    ports = [{"port": 80}]
    create(SERVICE, "default", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}})
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    create(INGRESS, "default", {"metadata": {"name": "web"}, "spec": {"rules": [rule]}})
    create(DEPLOYMENT, "default", deployment(envFrom=[{"secretRef": {"name": "database"}}]))


def test_a_ready_tenant_asks_its_own_database(tenant_database: str) -> None:
    async def story(visitor: Visitor) -> None:
        assert await visitor.until(HTTPStatus.OK) == '{"status": "ok"}'

    visit(tenant_database, story)


def test_a_broken_dsn_fails_without_showing_it() -> None:
    dsn = "host=127.0.0.1 port=1 password=hidden dbname=nothing"

    async def story(visitor: Visitor) -> None:
        async with asyncio.timeout(10):
            while (got := await visitor.get())[1].startswith("503"):  # no pod ready yet
                await asyncio.sleep(0.05)
        reason = "the tenant's database does not let the application in"
        assert got == (HTTPStatus.SERVICE_UNAVAILABLE, f'{{"status": "failing", "reason": "{reason}"}}')

    visit(dsn, story)


def test_no_ready_pod_is_503_and_no_ingress_404() -> None:
    async def story(visitor: Visitor) -> None:
        visitor.emulator.faults.add(parse({"kind": "image-pull-backoff"}))
        assert (await visitor.get())[0] == HTTPStatus.SERVICE_UNAVAILABLE
        assert (await visitor.get(host="other.tenants.example"))[0] == HTTPStatus.NOT_FOUND
        visitor.emulator.store.remove(Key(INGRESS, "default", "web"))
        assert (await visitor.get())[0] == HTTPStatus.NOT_FOUND

    visit("", story)


def test_an_unknown_page_is_the_applications_404() -> None:
    async def story(visitor: Visitor) -> None:
        await visitor.until(HTTPStatus.SERVICE_UNAVAILABLE)
        async with asyncio.timeout(10):
            while (got := await visitor.get("/nowhere"))[0] != HTTPStatus.NOT_FOUND:
                await asyncio.sleep(0.05)
        assert got[1] == '{"status": "not found"}'

    visit("", story)


def test_an_ingress_that_is_down_cuts_connections() -> None:
    async def story(visitor: Visitor) -> None:
        visitor.emulator.faults.add(parse({"kind": "ingress-down"}))
        with pytest.raises(aiohttp.ClientConnectionError):
            await visitor.get()

    visit("", story)


def test_without_an_application_of_its_own_the_emulator_says_which_request_arrived() -> None:
    answer = describe_request(AppRequest("GET", "/healthz", {"dsn": "secret"}))
    assert (answer.status, answer.document) == (HTTPStatus.OK, {"status": "ok", "method": "GET", "path": "/healthz"})


def test_a_route_is_a_function_in_a_table() -> None:
    app = TenantApp(
        {("POST", "/auth/token"): lambda request: AppResponse(HTTPStatus.OK, {"for": request.body.decode()})}
    )
    answer = app.answer(AppRequest("POST", "/auth/token", {"dsn": "a dsn"}, body=b"me"))
    assert (answer.status, answer.document) == (HTTPStatus.OK, {"for": "me"})


SOURCES: dict[str, dict[str, Any]] = {
    "envFrom": {"envFrom": [{"secretRef": {"name": "database"}}]},
    "env": {"env": [{"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "database", "key": "dsn"}}}]},
    "other key": {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "database", "key": "other"}}}]},
}


@pytest.mark.parametrize(("source", "expected"), [("envFrom", "here"), ("env", "here"), ("other key", "")])
def test_the_dsn_comes_from_the_secret_the_pod_names(source: str, expected: str) -> None:
    cluster = EmulatedCluster()
    cluster.create(SECRET, {"metadata": {"name": "database"}, "stringData": {"dsn": "here", "other": "x"}})
    container = {"name": "main", "image": "a:1", **SOURCES[source]}
    pod = cluster.create(POD, {"metadata": {"name": "one"}, "spec": {"containers": [container]}})
    assert secret_values(cluster.emulator.store, pod).get("dsn", "") == expected


def test_the_dsn_may_be_mounted() -> None:
    cluster = EmulatedCluster()
    cluster.create(SECRET, {"metadata": {"name": "database"}, "stringData": {"dsn": "here"}})
    spec = {
        "containers": [{"name": "main", "image": "a:1"}],
        "volumes": [{"name": "v", "secret": {"secretName": "database"}}],
    }
    pod = cluster.create(POD, {"metadata": {"name": "one", "namespace": HOME}, "spec": spec})
    assert [reference.name for reference in references(pod)] == ["database"]
    assert secret_values(cluster.emulator.store, pod) == {"dsn": "here"}
