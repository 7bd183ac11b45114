"""Mark active: observe all resources once more, then the tenant becomes Active. A failure keeps all resources."""

from tenancy.activities.activity import Activity
from tenancy.activities.context import ActivityContext
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import TransientError
from tenancy.saga.names import ActivityName
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import CLUSTER, STORAGE


class MarkActive(Activity):
    """Changes nothing itself: `decide` makes the tenant Active when the plan's last activity completes."""

    name = ActivityName("mark_active")
    label = "Mark active"
    short_label = "mark active"
    kind = ActivityKind.RETRIABLE
    systems = (STORAGE, CLUSTER)
    stuck_remedy = Remedy(
        "Cancel provisioning, then reset, then retry. If the flip has failed by itself, all is kept: "
        "then only reset and retry.",
        "cancel",
    )
    emits = "tenant.active"

    def explain(self, context: ActivityContext) -> Evidence | None:
        """Which resources are missing or unhealthy."""
        missing = [observation.why for observation in context.observe_all() if not observation.healthy]
        return Evidence(Cause.UNKNOWN, f"The tenant is not complete: {'; '.join(missing)}.") if missing else None

    def run(self, context: ActivityContext) -> None:
        """Raises TransientError, naming what is missing, unless all resources exist and are healthy."""
        missing = [observation.why for observation in context.observe_all() if not observation.healthy]
        if missing:
            raise TransientError(f"The tenant is not complete: {'; '.join(missing)}.")
