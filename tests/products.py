"""The product of most tests: products/sample, with its plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.layout import PROJECT
from tenancy.activities import plan, registry
from tenancy.adapters.product_file import chart_version, load_product, newest_revision
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import Product

SAMPLE = load_product(PROJECT / "products" / "sample", plan.plan_problems)
registry.install_containers(SAMPLE.containers)
PLAN = plan.plan_of(SAMPLE)
PLAN_ENTRIES = plan.plan_entries(SAMPLE)
CHART = PROJECT / "products" / "sample" / "chart"
SCRIPTS = PROJECT / "products" / "sample" / "migrations"
ADMIN_STATEMENTS = PROJECT / "products" / "sample" / "admin"
CHART_VERSION = chart_version(SAMPLE)
SCHEMA_VERSION = newest_revision(SAMPLE)


@dataclass(frozen=True)
class FewProducts:
    """Products of a test: name -> a function that loads it, the default one's first."""

    loaders: Mapping[str, Callable[[], Product]]

    @property
    def default_name(self) -> str:
        return next(iter(self.loaders))

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.loaders))

    def named(self, name: str) -> Product:
        if name not in self.loaders:
            raise ProductFileError(f"There is no product {name}.")
        return self.loaders[name]()


def only(load: Callable[[], Product]) -> FewProducts:
    """One product in the place of the sample."""
    return FewProducts({SAMPLE.name: load})


SAMPLE_ONLY = only(lambda: SAMPLE)
