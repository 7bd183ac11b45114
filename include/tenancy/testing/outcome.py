"""What of a bench's tenant there is outside, by the activity's own word and by the probe."""

from collections.abc import Iterator
from contextlib import contextmanager

from tenancy.testing.bench import BenchTenant
from tenancy.testing.check import require


@contextmanager
def cleared(tenant: BenchTenant) -> Iterator[BenchTenant]:
    """The tenant; afterwards nothing of it is left, so that checks do not disturb each other."""
    try:
        yield tenant
    finally:
        tenant.fence = lambda: None
        tenant.undo()


def names_of(tenant: BenchTenant) -> tuple[str, ...]:
    """The names of what it intended."""
    return tuple(resource.name for resource in tenant.resources)


def state_of(tenant: BenchTenant) -> tuple[object, ...]:
    """Equal as long as nothing has changed outside."""
    return tenant.observe(), frozenset(tenant.bench.discover()), tuple(_probed(tenant))


def require_gone(tenant: BenchTenant) -> None:
    """BrokenRuleError if anything of the tenant is left."""
    left, names = [each for each in tenant.observe() if each.present], set(names_of(tenant))
    found = [each for each in tenant.bench.discover() if each.name in names]
    require(not left, f"something is left: observe says {left}")
    require(not found, f"something is left: discover finds {found}")
    require(not any(_probed(tenant)), "something is left: the probe finds it")


def require_there(tenant: BenchTenant) -> None:
    """BrokenRuleError unless all of the tenant is there once, and healthy."""
    wrong, names = [each for each in tenant.observe() if not (each.present and each.healthy)], names_of(tenant)
    found = sorted(each.name for each in tenant.bench.discover() if each.name in names)
    require(not wrong, f"not there or not healthy: {wrong}")
    require(found == sorted(names), f"discover finds {found}, and {sorted(names)} was made")
    require(all(_probed(tenant)), "the probe does not find it")


def _probed(tenant: BenchTenant) -> Iterator[bool]:
    if tenant.bench.probe is not None:
        yield from (tenant.bench.probe(each.kind, each.name) for each in tenant.resources)
