"""Faults over HTTP: each bites where it should, is listed, and is gone when cleared."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import Clock
from cluster_emulator.disk import Disk
from cluster_emulator.emulator import ClusterEmulator
from cluster_emulator.faults import parse
from cluster_emulator.kinds import NAMESPACE

FAULTS = "/emulator/faults"
MAPS = "/api/v1/namespaces/tenant/configmaps"


def play(story: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    """Runs the story against a cluster that listens on a free port."""

    async def run() -> None:
        emulator = ClusterEmulator(Disk(":memory:"), Clock())
        emulator.registry.create(NAMESPACE, "", {"metadata": {"name": "tenant", "labels": {"tenant": "acme"}}})
        async with emulator.serving("secret", 0, None) as ports:
            headers = {"Authorization": "Bearer secret"}
            base = f"http://127.0.0.1:{ports.api}"
            async with aiohttp.ClientSession(base, headers=headers) as session:
                async with asyncio.timeout(20):
                    await story(session)

    asyncio.run(run())


async def add(session: aiohttp.ClientSession, kind: str, **options: Any) -> dict[str, Any]:
    async with session.post(FAULTS, json={"kind": kind, **options}) as answer:
        assert answer.status == HTTPStatus.CREATED
        made: dict[str, Any] = await answer.json()
        return made


async def status(session: aiohttp.ClientSession, path: str = MAPS, **options: Any) -> int:
    async with session.get(path, **options) as answer:
        return answer.status


async def write(session: aiohttp.ClientSession) -> int:
    async with session.post(MAPS, json={"metadata": {"generateName": "a-"}}) as answer:
        return answer.status


def test_they_are_listed_and_cleared_one_by_one_or_by_kind() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        first = await add(session, "slow", milliseconds=1, namespace="tenant")
        await add(session, "http-500", namespace="other")
        async with session.get(FAULTS) as answer:
            assert [f["kind"] for f in (await answer.json())["faults"]] == ["slow", "http-500"]
        async with session.delete(f"{FAULTS}/{first['id']}") as answer:
            assert [f["id"] for f in (await answer.json())["faults"]] == [first["id"]]
        async with session.delete(FAULTS, params={"kind": "http-500"}) as answer:
            assert len((await answer.json())["faults"]) == 1
        async with session.delete(f"{FAULTS}/nothing") as answer:
            assert answer.status == HTTPStatus.NOT_FOUND

    play(story)


def test_without_the_token_none_can_be_set() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        async with session.post(FAULTS, json={"kind": "slow"}, headers={"Authorization": ""}) as answer:
            assert answer.status == HTTPStatus.UNAUTHORIZED

    play(story)


def test_http_500_for_one_tenant_only() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "http-500", selector="tenant=acme")
        async with session.get(MAPS) as answer:
            assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
            assert (await answer.json())["message"] == "Internal error occurred: etcdserver: request timed out"
        assert await status(session, MAPS.replace("tenant", "default")) == HTTPStatus.OK
        assert await status(session, "/version") == HTTPStatus.OK

    play(story)


def test_a_tenants_fault_holds_for_the_namespace_it_is_about_to_get():
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "http-500", selector="tenant=globex")
        for tenant, expected in (("globex", HTTPStatus.INTERNAL_SERVER_ERROR), ("initech", HTTPStatus.CREATED)):
            namespace = {"metadata": {"name": tenant, "labels": {"tenant": tenant}}}
            async with session.post("/api/v1/namespaces", json=namespace) as answer:
                assert answer.status == expected

    play(story)


def test_a_fault_of_the_whole_cluster_bites_everywhere_but_at_the_faults() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "http-429", retry_after=7)
        for path in (MAPS, "/version", "/readyz", "/apis", "/openapi/v3"):
            async with session.get(path) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (HTTPStatus.TOO_MANY_REQUESTS, "7")
        async with session.delete(FAULTS):
            pass
        assert await status(session) == HTTPStatus.OK

    play(story)


def test_refused_connections_are_cut() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "refuse", namespace="tenant")
        with pytest.raises(aiohttp.ClientConnectionError):
            await status(session)

    play(story)


def test_a_slow_answer_is_late() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "slow", milliseconds=300)
        with pytest.raises(TimeoutError):
            await status(session, timeout=aiohttp.ClientTimeout(total=0.1))
        assert await status(session, timeout=aiohttp.ClientTimeout(total=5)) == HTTPStatus.OK

    play(story)


def test_writes_hang_while_reads_continue() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "hang", on=["write"])
        assert await status(session) == HTTPStatus.OK
        hanging = asyncio.create_task(write(session))
        await asyncio.sleep(0.3)
        assert not hanging.done()
        async with session.delete(FAULTS):
            pass
        assert await hanging == HTTPStatus.CREATED

    play(story)


def test_a_client_that_gives_up_leaves_nothing_behind() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "hang", on=["write"])
        hanging = asyncio.create_task(write(session))
        await asyncio.sleep(0.2)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        async with session.delete(FAULTS):
            pass
        await asyncio.sleep(0.3)
        async with session.get(MAPS) as answer:
            names = [item["metadata"]["name"] for item in (await answer.json())["items"]]
        assert names == ["kube-root-ca.crt"]

    play(story)


def test_an_open_watch_is_held_and_then_continues() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        async with session.get(MAPS, params={"watch": "true"}) as stream:
            assert json.loads(await stream.content.readline())["type"] == "ADDED"
            await add(session, "hang", on=["watch"], namespace="tenant")
            assert await write(session) == HTTPStatus.CREATED
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await stream.content.readline()
            async with session.delete(FAULTS):
                pass
            event = json.loads(await stream.content.readline())
            assert event["object"]["metadata"]["name"].startswith("a-")

    play(story)


def test_an_open_watch_is_cut_by_a_failing_server() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        async with session.get(MAPS, params={"watch": "true"}) as stream:
            await stream.content.readline()
            await add(session, "http-500", namespace="tenant")
            assert await stream.content.readline() == b""

    play(story)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"kind": "earthquake"}, "a fault's kind is one of: slow-start"),
        ({"kind": "slow", "millis": 3}, "a fault has no field millis"),
        ({"kind": "hang", "on": ["sleep"]}, "a fault is `on` some of: get, write, watch"),
        ({"kind": "hang", "selector": "a in b"}, "unable to parse requirement"),
    ],
)
def test_what_is_no_fault_is_refused_with_the_reason(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(ApiError, match=reason):
        parse(document)


def test_a_router_and_a_proxy_answer_everything_with_their_own_pages() -> None:
    async def story(session: aiohttp.ClientSession) -> None:
        await add(session, "router-404")
        for path in (MAPS, "/api/v1/namespaces/kube-system", "/version", "/healthz"):
            async with session.get(path) as answer:
                assert (answer.status, await answer.text()) == (HTTPStatus.NOT_FOUND, "404 page not found\n")
        assert await write(session) == HTTPStatus.NOT_FOUND
        async with session.delete(FAULTS) as answer:
            assert answer.status == HTTPStatus.OK
        await add(session, "login-page")
        async with session.get(MAPS) as answer:
            assert (answer.status, answer.content_type) == (HTTPStatus.OK, "text/html")

    play(story)


def test_another_cluster_has_its_own_identity_and_nothing_of_ours() -> None:
    async def uid(session: aiohttp.ClientSession) -> str:
        async with session.get("/api/v1/namespaces/kube-system") as answer:
            return str((await answer.json())["metadata"]["uid"])

    async def story(session: aiohttp.ClientSession) -> None:
        assert await write(session) == HTTPStatus.CREATED
        ours = await uid(session)
        await add(session, "other-cluster")
        assert await uid(session) != ours
        async with session.get(MAPS) as answer:
            assert (await answer.json())["items"] == []
        async with session.get("/api/v1/namespaces/tenant") as answer:
            absent = await answer.json()
        assert (absent["reason"], absent["details"]["name"]) == ("NotFound", "tenant")
        assert await write(session) == HTTPStatus.FORBIDDEN

    play(story)
