"""The product of most tests: products/sample, with its plan."""

from sandbox.layout import PROJECT
from tenancy.activities import plan
from tenancy.adapters.product_file import chart_version, load_product, newest_revision
from tenancy.saga.product import Product

SAMPLE = load_product(PROJECT / "products" / "sample", plan.plan_problems)
PLAN = plan.plan_of(SAMPLE)
PLAN_ENTRIES = plan.plan_entries(SAMPLE)
CHART = PROJECT / "products" / "sample" / "chart"
SCRIPTS = PROJECT / "products" / "sample" / "migrations"
ADMIN_STATEMENTS = PROJECT / "products" / "sample" / "admin"
CHART_VERSION = chart_version(SAMPLE)
SCHEMA_VERSION = newest_revision(SAMPLE)


def sample() -> Product:
    """As `Tenancy.product` is called."""
    return SAMPLE
