"""Charts from an OCI registry: pulled by Helm itself, by digest, once, and never half."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import helm_python
import pytest

from tenancy.adapters.chart_archives import CACHE, local_chart
from tenancy.adapters.product_digests import product_version
from tenancy.adapters.product_file import chart_version
from tenancy.saga.connections import Connection
from tenancy.saga.errors import PlatformError, ProductFileError, TransientError
from tenancy.saga.product import OciChart, Product
from tests.oci_registry import PASSWORD, USER, Registry, serving
from tests.products import CHART, CHART_VERSION, SAMPLE


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that has the sample's chart, pushed by Helm."""
    folder = tmp_path_factory.mktemp("push")
    with serving() as registry:
        archive = helm_python.package(CHART, destination=folder)
        client = helm_python.RegistryClient(plain_http=True, credentials_file=folder / "login.json")
        client.login(registry.host, USER, PASSWORD, plain_http=True)
        client.push(archive, f"oci://{registry.host}/charts", plain_http=True)
        yield registry


@pytest.fixture
def registry(filled: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    filled.pulled, filled.status_of_pulls = 0, 200
    return filled


def product_of(registry: Registry, **changes: str) -> Product:
    digest = registry.digest_of("charts/tenant", CHART_VERSION)
    chart = OciChart(f"oci://{registry.host}/charts/tenant", CHART_VERSION, digest, "registry")
    return replace(SAMPLE, chart=replace(chart, **changes))


def connection(password: str = PASSWORD) -> Connection:
    return Connection("registry", login=USER, password=password, extra={"plain_http": True})


def pull(product: Product, *, password: str = PASSWORD) -> Path:
    return local_chart(product, lambda _: connection(password))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_chart_is_the_one_that_was_pushed(registry: Registry):
    pulled = pull(product_of(registry))
    assert files_of(pulled / "templates") == files_of(CHART / "templates")


def test_it_is_pulled_once(registry: Registry):
    first = pull(product_of(registry))
    registry.status_of_pulls = 503
    assert pull(product_of(registry)) == first


def test_many_processes_may_pull_at_once(registry: Registry):
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(pull(product_of(registry)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert [each.name for each in found[0].parents[1].iterdir()] == [found[0].parent.name]


def test_a_login_is_left_nowhere(registry: Registry):
    folder = pull(product_of(registry)).parents[1]
    assert not [name for name, content in files_of(folder).items() if PASSWORD.encode() in content]


def test_what_a_killed_pull_left_is_removed_by_the_next_one(registry: Registry):
    old, running = (Path(os.environ[CACHE]) / name for name in (".pull-old", ".pull-running"))
    for left in (old, running):
        left.mkdir(parents=True)
        (left / "login.json").write_text(PASSWORD)
    os.utime(old, (0, 0))
    pull(product_of(registry))
    assert not old.exists()
    assert running.exists()


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_registry_that_refuses_us_holds_the_tenant_and_the_connection_is_named(registry: Registry, password: str):
    with pytest.raises(
        PlatformError, match=r"refuses the chart oci://.* with the Airflow connection registry"
    ) as refused:
        pull(product_of(registry), password=password)
    assert not isinstance(refused.value, ProductFileError)


def test_a_digest_that_the_registry_does_not_have_is_the_products_mistake(registry: Registry):
    with pytest.raises(ProductFileError, match=r"product.toml: chart: oci://.*/tenant has no sha256:0{64}"):
        pull(product_of(registry, digest=f"sha256:{'0' * 64}"))


def test_so_is_another_version_than_the_digest_has(registry: Registry):
    with pytest.raises(ProductFileError, match=rf"is version {CHART_VERSION}, not 9.9.9"):
        pull(product_of(registry, version="9.9.9"))
    assert list(Path(os.environ[CACHE]).iterdir()) == []


@pytest.mark.parametrize("status", [500, 503])
def test_a_registry_in_trouble_is_tried_again(registry: Registry, status: int):
    registry.status_of_pulls = status
    with pytest.raises(TransientError, match="could not be pulled"):
        pull(product_of(registry))
    registry.status_of_pulls = 200
    assert pull(product_of(registry)).is_dir()


def test_a_registry_that_is_not_there_is_tried_again(registry: Registry):
    with pytest.raises(TransientError, match="connection refused"):
        pull(product_of(registry, reference="oci://127.0.0.1:9/charts/tenant"))


def test_an_attempt_records_version_and_digest_without_asking_the_registry(registry: Registry):
    product = product_of(registry)
    assert chart_version(product) == CHART_VERSION
    assert product_version(product).chart_digest == product.chart.digest.removeprefix("sha256:")[:40]
    assert registry.pulled == 0
