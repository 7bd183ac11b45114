"""Where a tenant can be, as the API names it: state and, of a failed tenant, sub-state in one.

A newer server may name one that is not here, so a tenant's phase is read as text and compared with these.
"""

from enum import StrEnum


class Phase(StrEnum):
    """The twin of the product's own (tests/unit/test_phase.py compares them)."""

    PROVISIONING = "Provisioning"
    CANCELLING = "Cancelling"
    FAILED_UNWINDING = "Failed unwinding"
    FAILED_SETTLED = "Failed settled"
    FAILED_READY = "Failed ready"
    FAILED_RETAINED = "Failed retained"
    FAILED_STUCK = "Failed stuck"
    ACTIVE = "Active"
    DECOMMISSIONING = "Decommissioning"
    DECOMMISSIONED = "Decommissioned"
