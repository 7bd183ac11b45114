"""Facts: what has happened to a tenant. One frozen class each, named in the past tense.

`kind` is the name that the ledger stores and the audit log shows. Kinds and fields are stored: never rename them. A
fact holds what `evolve` needs; who, when, why, attempt and lease are in the envelope that the ledger puts around it
(ledger/envelope.py). There is one module for each subject. Import facts from this package: only then are all defined.
"""

from tenancy.saga.facts.attempt_facts import (
    ActivityCompleted,
    ActivityFailed,
    ActivityProgressed,
    ActivityRefused,
    ActivityStarted,
    AttemptStarted,
    HolderEvicted,
    PointOfNoReturnPassed,
    ProvisioningCompleted,
    ProvisioningFailed,
    ProvisioningRequested,
    RequestRefused,
    RunHeld,
)
from tenancy.saga.facts.fact import Fact
from tenancy.saga.facts.operator_facts import (
    ActionRefused,
    Escalated,
    EscalationSent,
    InvitationRenewed,
    InvitationShown,
    NoteAdded,
    RawActionNoted,
    RetryRequested,
    RunHistoryCleared,
    RunReset,
)
from tenancy.saga.facts.resource_facts import (
    EngineRecorded,
    ResourceFoundAgain,
    ResourceIntended,
    ResourcePresent,
    ResourceReleased,
    ResourceReleasing,
    SystemReplaced,
)
from tenancy.saga.facts.stall_facts import ProvisioningStalled, StallCleared, StallExplained
from tenancy.saga.facts.unwinding_facts import (
    CancelRequested,
    CompensationFailed,
    DecommissionRequested,
    Settled,
    TenantDecommissioned,
    UnwindingExhausted,
    UnwindingStarted,
)

FACTS: dict[str, type[Fact]] = {fact.kind: fact for fact in Fact.__subclasses__()}
"""Every fact by the name it is stored under."""

__all__ = [
    "FACTS",
    "ActionRefused",
    "ActivityCompleted",
    "ActivityFailed",
    "ActivityProgressed",
    "ActivityRefused",
    "ActivityStarted",
    "AttemptStarted",
    "CancelRequested",
    "CompensationFailed",
    "DecommissionRequested",
    "EngineRecorded",
    "Escalated",
    "EscalationSent",
    "Fact",
    "HolderEvicted",
    "InvitationRenewed",
    "InvitationShown",
    "NoteAdded",
    "PointOfNoReturnPassed",
    "ProvisioningCompleted",
    "ProvisioningFailed",
    "ProvisioningRequested",
    "ProvisioningStalled",
    "RawActionNoted",
    "RequestRefused",
    "ResourceFoundAgain",
    "ResourceIntended",
    "ResourcePresent",
    "ResourceReleased",
    "ResourceReleasing",
    "RetryRequested",
    "RunHeld",
    "RunHistoryCleared",
    "RunReset",
    "Settled",
    "StallCleared",
    "StallExplained",
    "SystemReplaced",
    "TenantDecommissioned",
    "UnwindingExhausted",
    "UnwindingStarted",
]
