"""Replaced systems: which declarations of the platform file were used for a tenant's resources. Called by decide.py.

A person declares in the platform file that a system was replaced or lost. From then on its resources are looked for
elsewhere, or count as gone. The audit log has to show by whose word, so the first use for each resource is a fact.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.tenant import Saga


def report(command: c.ReportSystemReplaced, saga: Saga) -> tuple[f.Fact, ...]:
    """No facts if this successor is already recorded for the resource."""
    found = (each for each in saga.resources if (each.kind, each.name) == (command.kind, command.name))
    resource = next(found, None)
    if resource is None:
        raise Refused(f"No fact names a {command.kind} {command.name}.")
    replaced = f.SystemReplaced(command.kind, command.name, resource.system, command.successor, command.file)
    return () if key_of(replaced) in saga.replacements else (replaced,)


def key_of(fact: f.SystemReplaced) -> tuple[str, str, str, str]:
    """What is recorded once."""
    return fact.resource, fact.name, fact.system, fact.successor
