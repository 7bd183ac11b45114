"""Which products get a DAG in this process, and the import error about those that have mistakes.

Airflow (3.3.2) keeps import errors by file, and takes every DAG of a file with an error off (`is_stale`). So the file
with the DAGs leaves a broken product out, and a file without DAGs, dags/tenant_products.py, has the error about it
(docs/adr/0042-several-products.md; tests/dags/test_import_errors.py).
"""

from collections.abc import Iterable, Iterator

from tenancy.activities.plan import require_fits_platform
from tenancy.saga.errors import ProductFileError
from tenancy.saga.platform import Platform
from tenancy.saga.product import Product
from tenancy.saga.products import Products, dag_of


def products_to_build(products: Products, platform: Platform, dag_id: str | None) -> dict[str, Product]:
    """DAG id -> the product that it provisions. `dag_id`: the only one that a task's process needs; None builds all.

    Raises ProductFileError when not one can be built: then there is nothing to keep.
    """
    wanted = [name for name in products.names() if dag_id in {None, dag_of(products, name)}]
    broken = dict(_mistakes(products, platform, wanted))
    healthy = {dag_of(products, name): products.named(name) for name in wanted if name not in broken}
    if broken and not healthy:
        raise _error(products, broken)
    return healthy


def require_no_mistakes(products: Products, platform: Platform) -> None:
    """Raise ProductFileError about all products that have no DAG while others have one."""
    names = products.names()
    broken = dict(_mistakes(products, platform, names))
    if broken and len(broken) < len(names):
        raise _error(products, broken)


def _mistakes(products: Products, platform: Platform, names: Iterable[str]) -> Iterator[tuple[str, ProductFileError]]:
    for name in names:
        try:
            require_fits_platform(products.named(name), platform)
        except ProductFileError as error:
            yield name, error


def _error(products: Products, broken: dict[str, ProductFileError]) -> ProductFileError:
    lines = [f"There is no DAG {dag_of(products, name)}. {error}" for name, error in broken.items()]
    return ProductFileError("\n".join(lines))
