"""What a product consists of, as lines for a person."""

from collections.abc import Iterator

from tenancy.activities.plan import plan_of
from tenancy.adapters.product_file import chart_version, newest_revision
from tenancy.saga.product import OciChart, Product
from tenancy.saga.product_parameters import Parameter


def summary_of(product: Product) -> Iterator[str]:
    """Name, files with their versions, and the activities in order."""
    yield f"{product.name} {product.version}  {product.folder}"
    if product.chart:
        where = product.chart.reference if isinstance(product.chart, OciChart) else product.chart.name
        yield f"chart       {where} {chart_version(product)}"
    if product.values:
        yield f"values      {product.values.name}"
    if product.migrations:
        yield f"migrations  {product.migrations.name}, newest revision {newest_revision(product)}"
    if product.migration_job:
        yield f"migrations  the image {product.migration_job.image}, which leads to {product.migration_job.version}"
    if product.admin_account:
        yield f"admin       {product.admin_account.name}"
    if product.plans:
        yield f"plans       {', '.join(product.plans)}"
    yield from (_described(parameter) for parameter in product.parameters)
    yield from (f"label       {key}={value}" for key, value in product.labels.items())
    yield "activities"
    for number, activity in enumerate(plan_of(product), start=1):
        makes = f"makes {', '.join(activity.resources)}" if activity.resources else "makes nothing"
        yield f"  {number}. {activity.name:<26} {activity.kind:<13} {makes}"


def _described(parameter: Parameter) -> str:
    kind = "secret" if parameter.is_secret else parameter.type
    return f"parameter   {parameter.key}: {kind}{', required' if parameter.required else ''}"
