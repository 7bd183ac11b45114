"""The Helm release of one tenant as it should be, and the check of a request against its chart.

The DAG file imports this module: adapters are imported when there is work.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenancy.activities.context import ActivityContext
from tenancy.activities.workload_values import expected_variables_of, secret_texts, variables_of
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError
from tenancy.saga.names import HELM_LIMIT, ActivityName, object_name
from tenancy.saga.outputs import Outputs

if TYPE_CHECKING:
    from tenancy.adapters.helm import Release

NAMESPACE = "namespace"
RELEASE = "release"


def workload_name(context: ActivityContext) -> str:
    """The name of a tenant's namespace and release."""
    return object_name(context.saga.parameters.slug, context.tenant_id, limit=HELM_LIMIT, separator="-")


def desired_release(context: ActivityContext) -> "Release":
    """The release with this tenant's values. ProductFileError when the template does not give any."""
    from tenancy.adapters.helm import digest
    from tenancy.adapters.namespaces import PLATFORM_LABEL, TENANT_LABEL
    from tenancy.adapters.releases import DIGEST_LABEL

    release = _rendered(context, variables_of(context))
    labels = {
        PLATFORM_LABEL: context.platform.name,
        TENANT_LABEL: str(context.tenant_id),
        DIGEST_LABEL: digest(release.chart, release.values),
    }
    return replace(release, labels=labels)


def check_request_by_chart(context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> None:
    """Render the chart offline, as it will be with this request. PermanentError when it does not take the request.

    `outputs`: examples of what the activities will return. Only a product with parameters is checked: rendering costs
    each tenant time, and `product check` has rendered the values of an example.
    """
    from tenancy.adapters.helm import ChartRefusesValuesError, Helm

    if not context.product.parameters:
        return
    release = _rendered(context, expected_variables_of(context, outputs))
    try:
        Helm(lambda: "", "no cluster").render(release)
    except ChartRefusesValuesError as error:
        raise PermanentError(
            f"The chart of {context.product.name} does not take this request: {error}", cause=Cause.INPUT
        ) from error


def _rendered(context: ActivityContext, variables: Mapping[str, Any]) -> "Release":
    from tenancy.adapters.helm import Release
    from tenancy.adapters.values_template import render_values

    chart, values = _chart_of(context), render_values(context.product, variables)
    name, hidden = context.name_of(RELEASE, workload_name(context)), secret_texts(variables)
    secrets = (*hidden, *(base64.b64encode(text.encode()).decode() for text in hidden))
    return Release(chart, name, context.name_of(NAMESPACE, name), values, secrets=secrets)


def _chart_of(context: ActivityContext) -> Path:
    """The chart; PlatformError when an attempt of before deploys workloads and the product does not any more."""
    from tenancy.adapters.chart_archives import local_chart

    product = context.product
    if product.chart is None or product.values is None:
        raise PlatformError(
            f"The product {product.name} {product.version} has no chart: run the version that has it, or cancel the "
            "tenant.",
            cause=Cause.PLATFORM_VERSION,
        )
    return local_chart(product, context.clients.connection)
