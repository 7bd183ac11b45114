"""Which workflow engine has to answer: the one that the ledger recorded, or its declared successor. Pure."""

from tenancy.activities.allocate_workflow_handle import ENGINE_CONNECTION
from tenancy.saga.platform import Platform
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem, accepted_for, is_lost


def expected_engine(recorded: str, platform: Platform) -> ExpectedSystem:
    """ANY_SYSTEM if none is recorded, or the recorded one is declared lost: then every engine is right."""
    if not recorded or is_lost(recorded, platform.replaced_systems):
        return ANY_SYSTEM
    return ExpectedSystem(accepted_for(recorded, platform.replaced_systems), ENGINE_CONNECTION)
