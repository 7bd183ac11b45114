"""The contract: what the engine relies on. tests/contract asks the same of the built-in activities."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tenancy.saga.errors import ForeignObjectError, PermanentError, Refused, TenancyError
from tenancy.saga.names import CONNECTION_LIMIT
from tenancy.saga.outputs import checked_outputs
from tenancy.testing.bench import ActivityBench, BenchTenant
from tenancy.testing.check import BrokenRuleError, Check, require
from tenancy.testing.kill_checks import KILL_CHECKS
from tenancy.testing.outcome import cleared, names_of, require_gone, state_of


def _it_intends_what_it_makes(bench: ActivityBench) -> None:
    intents = bench.activity.intents(bench.tenant().context)
    kinds = tuple(intent.kind for intent in intents)
    require(kinds == bench.activity.resources, f"resources says {bench.activity.resources}, intents says {kinds}")
    require(all(bench.platform_name in intent.proof for intent in intents), "an intent lacks context.proof")


def _names_are_apart(bench: ActivityBench) -> None:
    names = [name for slug in ("a" * 40, "a" * 40, "a-b", "a-b-c") for name in names_of(bench.tenant(slug))]
    require(len(set(names)) == len(names), f"two tenants, or two kinds, share a name: {names}")
    require(all(len(name) <= CONNECTION_LIMIT for name in names), f"a name is too long: {names}")


def _the_system_is_recorded(bench: ActivityBench) -> None:
    tenant = bench.tenant()
    stated = bench.activity.identify(bench.clients, tenant.context.region if bench.activity.regional else None)
    for resource in tenant.resources:
        require(bool(resource.system), f"locate states no identity for the {resource.kind}")
        require(resource.system == stated, f"locate states {resource.system}, and identify states {stated}")


def _twice_is_once(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        once = state_of(tenant)
        tenant.run()
        require(state_of(tenant) == once, f"after the second run: {state_of(tenant)}, before it: {once}")


def _checking_makes_nothing(bench: ActivityBench) -> None:
    tenant = bench.tenant()
    before = state_of(tenant)
    with suppress(PermanentError):  # a refusal is an answer
        tenant.check_request()
    require(state_of(tenant) == before, "check_request changed something")


def _it_is_there_and_healthy(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        wrong = [each for each in tenant.observe() if not (each.present and each.healthy)]
        require(not wrong, f"observe says after run: {wrong}")
        kinds = {each.kind for each in tenant.observe()}
        require(kinds == set(bench.activity.resources), f"observe must report each of {bench.activity.resources}")


def _absence_has_a_reason(bench: ActivityBench) -> None:
    tenant = bench.tenant()
    for each in tenant.observe():
        require(not each.present and bool(each.why), f"before run, observe must say absent and why: {each}")


def _undoing_nothing(bench: ActivityBench) -> None:
    tenant = bench.tenant()
    before = state_of(tenant)
    tenant.undo()
    require(state_of(tenant) == before, f"undoing what was never made changed it to {state_of(tenant)}")


def _undoing_leaves_nothing(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        tenant.undo()
        require_gone(tenant)
    require_gone(tenant)  # `cleared` has undone it again


def _made_again(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        tenant.undo()
        tenant.run()
        require(
            all(each.healthy for each in tenant.observe()), f"after it was undone and run again: {tenant.observe()}"
        )


def _found_exactly(bench: ActivityBench) -> None:
    require(not bench.discover(), "discover finds something before anything was made")
    with cleared(bench.tenant()) as first, cleared(bench.tenant()) as second:
        first.run()
        second.run()
        intended = {(r.kind, r.name, r.proof) for r in (*first.resources, *second.resources)}
        found = {(each.kind, each.name, each.proof) for each in bench.discover()}
        require(found == intended, f"discover finds {found}, and {intended} was made")


def _others_are_not_found(bench: ActivityBench) -> None:
    other = bench.of_other_platform()
    with cleared(bench.tenant()) as ours, cleared(other.tenant()) as theirs:
        ours.run()
        theirs.run()
        require(not bench.discover() & other.discover(), "discover finds another platform's objects on the same system")


def _overtaken_makes_nothing(bench: ActivityBench) -> None:
    tenant = bench.tenant()
    tenant.fence = _refuse
    with suppress(Refused):
        tenant.run()
    tenant.fence = lambda: None
    require_gone(tenant)


def _overtaken_in_the_middle(bench: ActivityBench) -> None:
    for number in range(_MOST_FENCES):
        tenant = bench.tenant()
        tenant.fence = _refusing_after(number)
        overtaken = _is_refused(tenant.run)
        tenant.fence = lambda: None
        tenant.undo()
        require_gone(tenant)
        if not overtaken:
            break


def _overtaken_undoes_nothing(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        before = state_of(tenant)
        tenant.fence = _refuse
        with suppress(Refused):
            tenant.undo()
        tenant.fence = lambda: None
        require(state_of(tenant) == before, "something was undone: call context.fence() right before each effect")


def _foreign_objects(bench: ActivityBench) -> None:
    if bench.make_foreign is None:
        return
    for number, kind in enumerate(bench.activity.resources):
        tenant = bench.tenant("bench-foreign")  # stays in the system, so its name must not look like a customer's
        name = {each.kind: each.name for each in tenant.resources}[kind]
        bench.make_foreign(kind, name)
        _require_left_alone(tenant, name)
        require(bench.probe is None or bench.probe(kind, name), f"the foreign {kind} {name} ({number + 1}) is gone")


def _require_left_alone(tenant: BenchTenant, name: str) -> None:
    acts: tuple[Callable[[], object], ...] = (tenant.run, tenant.undo)
    for act in acts:
        try:
            act()
        except ForeignObjectError as refusal:
            require(name in str(refusal), f"the refusal must name {name}: {refusal}")
        else:
            raise BrokenRuleError(
                f"run and compensate must raise ForeignObjectError for {name}, which carries no proof"
            )
    healthy = [each for each in tenant.observe() if each.name == name and each.healthy]
    require(not healthy, f"observe calls the foreign object healthy: {healthy}")


def _outputs_are_declared(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        outputs = checked_outputs(bench.activity.name, tenant.run(), declared=bench.activity.example_outputs)
        text = f"{outputs} {tenant.observe()} {bench.discover()}"
        hidden = [each.password for each in bench.connections.values() if each.password]
        require(not any(secret in text for secret in hidden), "an output or an observation has a connection's password")


def _explaining_changes_nothing(bench: ActivityBench) -> None:
    with cleared(bench.tenant()) as tenant:
        tenant.run()
        before = state_of(tenant)
        for explain in (bench.activity.explain, bench.activity.explain_unwinding):
            with suppress(TenancyError):  # an answer, too
                explain(tenant.context)
        require(state_of(tenant) == before, "explain changed something")


def _is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refused:
        return True
    return False


def _refuse() -> None:
    raise Refused("This process was overtaken.")


def _refusing_after(passes: int) -> Callable[[], None]:
    left = iter(range(passes))

    def fence() -> None:
        if next(left, None) is None:
            _refuse()

    return fence


_MOST_FENCES: Final = 50

CHECKS: Final = (
    Check("it intends exactly the kinds that it makes, with the ownership proof", _it_intends_what_it_makes),
    Check("the names of two tenants differ, also with the same slug and the longest one", _names_are_apart),
    Check("the identity of its system is recorded, and identify states the same", _the_system_is_recorded),
    Check("checking a request makes nothing", _checking_makes_nothing),
    Check("before it ran, observe says absent and why", _absence_has_a_reason),
    Check("after it ran, observe says present and healthy", _it_is_there_and_healthy),
    Check("running it twice is running it once", _twice_is_once),
    Check("undoing what was never made changes nothing", _undoing_nothing),
    Check("undoing it leaves nothing, and may be repeated", _undoing_leaves_nothing),
    Check("it can be made again after it was undone", _made_again),
    Check("discover finds exactly what it made", _found_exactly),
    Check("discover finds nothing of another platform on the same system", _others_are_not_found),
    Check("a process that was overtaken makes nothing", _overtaken_makes_nothing),
    Check("what a process made before it was overtaken can be undone", _overtaken_in_the_middle),
    Check("a process that was overtaken undoes nothing", _overtaken_undoes_nothing),
    Check(
        "an object without our proof is refused by its name, and stays as it is", _foreign_objects, needs_foreign=True
    ),
    Check("it returns the declared outputs, without a password", _outputs_are_declared),
    Check("explain changes nothing", _explaining_changes_nothing),
    *KILL_CHECKS,
)
"""All rules, in the order in which an author wants to hear of them."""
