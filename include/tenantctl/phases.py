"""The phases of a tenant as the API names them: state and, for a failed tenant, substate.

A newer server may send a phase that is missing here, so a tenant's phase is read as text and compared with these.
"""

from enum import StrEnum


class Phase(StrEnum):
    """The same phases as in the product (tests/unit/test_phase.py compares them)."""

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
