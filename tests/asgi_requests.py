"""Sends requests to an application without a server, for tests of answers that need no outside system."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI


def ask(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    """One request; what the application raises is its 500, as for a caller."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test", trust_env=False) as client:
            return await client.request(method, path, **request)

    return asyncio.run(asked())
