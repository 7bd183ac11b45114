"""Charts from OCI registries: pulled once by each machine, kept in a folder under their digest.

A chart is pulled by its digest, so a registry that has another chart under the same version by now is noticed.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml

from tenancy.adapters.helm import run_child
from tenancy.adapters.product_error import product_error
from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection
from tenancy.saga.errors import PlatformError, TransientError
from tenancy.saga.product import OciChart, Product

CACHE: Final = "TENANCY_CHART_CACHE"
"""The environment variable that names the folder of pulled charts; without it ~/.cache/tenancy/charts."""
_SECONDS: Final = 60.0
_ANONYMOUS: Final = Connection("")
_REFUSED: Final = (
    "status code 401",
    "status code 403",
    "unauthorized",
    "denied",
    "credential not found",
    "username or password",
)
_MISSING: Final = (": not found", "status code 404")
"""Helm's library states no other class for these (helm-python-sdk 0.2.2). No bare number: a digest may contain it."""


def local_chart(product: Product, connection_of: Callable[[str], Connection]) -> Path:
    """The folder of the product's chart on this machine; pulled if need be.

    ProductFileError when the registry does not have it, PlatformError when it refuses us, TransientError when it does
    not respond.
    """
    chart = product.chart
    if not isinstance(chart, OciChart):
        assert chart is not None  # the caller has checked that the product has one
        return chart
    folder = _cache() / chart.digest.removeprefix("sha256:")
    if not folder.is_dir():
        _pull(product, chart, connection_of(chart.connection) if chart.connection else _ANONYMOUS, folder)
    return _only_chart_in(folder)


def _cache() -> Path:
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "tenancy" / "charts")


def _pull(product: Product, chart: OciChart, connection: Connection, folder: Path) -> None:
    """The folder appears in one step, whatever else pulls the same chart meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder.parent)
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder.parent) as new:
        _ask_helm(product, chart, connection, Path(new))
        pulled = Path(new) / "chart"
        _require_chart(product, chart, pulled)
        try:
            pulled.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was not first: something else is wrong
                raise


def _sweep(cache: Path) -> None:
    """Remove what pulls left that were killed: a login may be in it for the moment in which Helm reads it."""
    for left in cache.glob(".pull-*"):
        with suppress(OSError):  # another process was first
            if time.time() - left.stat().st_mtime > _SECONDS * 2:
                shutil.rmtree(left)


def _ask_helm(product: Product, chart: OciChart, connection: Connection, new: Path) -> None:
    request = {
        "verb": "pull",
        "reference": f"{chart.reference}@{chart.digest}",
        "host": urlsplit(chart.reference).netloc,
        "user": connection.login,
        "password": connection.password,
        "plain_http": bool(connection.extra.get("plain_http")),
        "folder": str(new),
        "deadline": _SECONDS,
    }
    reply = run_child(request, _SECONDS)
    if "error" in reply:
        raise _translated(product, chart, " ".join(reply["message"].split()) or reply["error"])


def _translated(product: Product, chart: OciChart, message: str) -> Exception:
    words = message.lower()
    if any(each in words for each in _REFUSED):
        by = f"the Airflow connection {chart.connection}" if chart.connection else "no connection"
        return PlatformError(
            f"The registry refuses the chart {chart.reference} with {by}: {message[:300]}",
            cause=Cause.PLATFORM_CONNECTION,
        )
    if any(each in words for each in _MISSING):
        why = f"product.toml: chart: {chart.reference} has no {chart.digest}: {message[:300]}"
        return product_error(product.folder, [why])
    return TransientError(f"The chart {chart.reference} could not be pulled: {message[:300]}")


def _require_chart(product: Product, chart: OciChart, pulled: Path) -> None:
    """It must be the version that product.toml states: attempts record that."""
    stated = yaml.safe_load((_only_chart_in(pulled) / "Chart.yaml").read_text(encoding="utf-8")).get("version")
    if stated != chart.version:
        why = f"product.toml: chart: {chart.digest} is version {stated}, not {chart.version}"
        raise product_error(product.folder, [why])


def _only_chart_in(folder: Path) -> Path:
    return next(file.parent for file in sorted(folder.glob("*/Chart.yaml")))
