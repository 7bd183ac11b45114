"""The asynchronous client that Airflow's triggers use."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kubernetes_asyncio import client, watch

from .manifests import deployment
from .server import Server


def with_client(server: Server, story: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        configuration = client.Configuration(host=server.url)
        configuration.verify_ssl, configuration.ssl_ca_cert = bool(server.ca_file), server.ca_file or None
        configuration.api_key = {"BearerToken": f"Bearer {server.token}"}
        async with client.ApiClient(configuration) as api:
            await asyncio.wait_for(story(api), 30)
        await asyncio.sleep(0.25)  # aiohttp's connections close a moment after their session; before the loop does

    asyncio.run(run())


def test_it_creates_and_reads(server: Server, namespace: str) -> None:
    async def story(api: Any) -> None:
        apps = client.AppsV1Api(api)
        await apps.create_namespaced_deployment(namespace, deployment())
        assert (await apps.read_namespaced_deployment("web", namespace)).metadata.uid

    with_client(server, story)


def test_it_watches_until_ready(server: Server, namespace: str) -> None:
    async def story(api: Any) -> None:
        apps, available = client.AppsV1Api(api), 0
        await apps.create_namespaced_deployment(namespace, deployment())
        async with watch.Watch() as watching:
            stream = watching.stream(apps.list_namespaced_deployment, namespace, field_selector="metadata.name=web")
            async for event in stream:
                available = event["object"].status.available_replicas
                if available == 1:
                    break
        assert available == 1

    with_client(server, story)


def test_a_hundred_reads_at_once(server: Server, namespace: str) -> None:
    async def story(api: Any) -> None:
        core = client.CoreV1Api(api)
        found = await asyncio.gather(*(core.read_namespace(namespace) for _ in range(100)))
        assert {item.metadata.name for item in found} == {namespace}

    with_client(server, story)
