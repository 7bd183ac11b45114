"""The mutations: which rule is removed from which file, and which trials could show that it is missing.

The lock; the intent before the effect; the look at everything before *settled*; that a refusal undoes nothing; that
absence is believed from the recorded system only; that a failure behind the point of no return keeps everything.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.trial_generator import Trial, generate_systems_trial, generate_trial
from tests.chaos.trial_runner import only_refused

_CANCELS = {"cancel by API", "cancel by PATCH on run", "cancel twice at once", "cancel, reset, retry"}
_ENDS_IT = _CANCELS | {"kill task", "kill supervisor"}


@dataclass(frozen=True)
class Mutation:
    """The text edits, each as (file, old, new), and which trials could show their effect."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    aims: Callable[[Trial], bool]
    generate_trial: Callable[[int], Trial] = generate_trial
    """How its trials are generated."""
    lingers: float | None = None
    """Trials are held for so long (seconds), when the tenant has to be settled before it is let go."""

    def aimed(self, trials: Iterable[Trial]) -> Iterator[Trial]:
        """The trials that could show it."""
        aimed = filter(self.aims, trials)
        return aimed if self.lingers is None else (replace(each, lingers=self.lingers) for each in aimed)

    def apply(self, project: Path) -> None:
        for file, old, new in self.edits:
            text = (project / file).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {file} has not exactly one {old!r}")
            (project / file).write_text(text.replace(old, new), encoding="utf-8")


def _strikes_an_effect(trial: Trial) -> bool:
    """Ended while another system carries out its effect."""
    makes = trial.phase == "during" and trial.activity in {"allocate_storage", "allocate_workflow_handle"}
    return makes and bool(_ENDS_IT.intersection(_faults(trial)))


def _late(trial: Trial) -> bool:
    """Airflow may carry out its request only after the unwinding."""
    asked = trial.phase == "during" and trial.activity == "allocate_workflow_handle"
    return asked and bool(_CANCELS & _faults(trial))


def _overtaken(trial: Trial) -> bool:
    """Cancelled while a process that nobody ends is in the middle of its effect."""
    makes = trial.phase == "during" and trial.activity == "allocate_storage"
    lives_on = {"stop task", "kill supervisor"} & _faults(trial)
    return makes and bool(lives_on) and bool(_CANCELS & _faults(trial))


def _faults(trial: Trial) -> set[str]:
    return {attack.fault for attack in trial.attacks}


def _router_while_undone(trial: Trial) -> bool:
    """A router answers for the cluster while the namespace is to be released, and for as long as that takes."""
    undone = trial.phase == "compensation" and trial.activity == "deploy_workloads"
    return undone and trial.attacks[0].fault == "cluster answers 404" and trial.attacks[0].lasts >= 4


_READY = {("before", "mark_active"), ("between", "wait_for_workloads_ready")}


def _fails_in_use(trial: Trial) -> bool:
    """Its workloads are ready, its last task is marked failed before it begins, and nobody cancels it.

    Not during the flip: an open flip still succeeds after the mark, and the tenant is Active then.
    """
    faults = _faults(trial)
    marked = "PATCH task failed" in faults and faults <= {"PATCH task failed", "trigger again"}
    return (trial.phase, trial.activity) in _READY and marked


_UNWOUND = 6.0
"""Long enough to be settled on a quiet machine; less than the waits for a lock: Airflow's 8 s, the storage's 10 s."""
_ATTEMPT, _RUNNER = "include/tenancy/saga/attempt.py", "include/tenancy/engine/provisioning/runner.py"
MUTATIONS = (
    Mutation(
        "the lock removed",
        (
            (
                "include/tenancy/adapters/advisory_lock.py",
                "    evicted: list[Holder] = []\n",
                "    return ()\n    evicted: list[Holder] = []\n",
            ),
            (
                "include/tenancy/adapters/advisory_lock.py",
                '    session.execute("select pg_catalog.pg_advisory_unlock(%s)", (key,))',
                "    return",
            ),
        ),
        _overtaken,
        lingers=_UNWOUND,
    ),
    Mutation(
        "the intent written after the effect",
        (
            (
                _RUNNER,
                (
                    "        context = _intended(tenancy, ledger, context, task)\n"
                    "        outcome = _act(tenancy, ledger, task, context)\n"
                ),
                (
                    "        outcome = _act(tenancy, ledger, task, context)\n"
                    "        context = _intended(tenancy, ledger, context, task)\n"
                ),
            ),
        ),
        _strikes_an_effect,
    ),
    Mutation(
        "the re-observation before settled removed",
        (
            (
                "include/tenancy/engine/recovery/unwind.py",
                "        self._observe_again()\n        self._require",
                "        self._require",
            ),
        ),
        _late,
        lingers=_UNWOUND,
    ),
    Mutation(
        "Refused allowed to unwind",
        (
            (
                "include/tenancy/orchestration/callbacks.py",
                "    if isinstance(error, Refused):\n        return\n",
                "    if isinstance(error, Refused):\n        return _unwind_all_the_same(context, error)\n",
            ),
            (
                "include/tenancy/orchestration/callbacks.py",
                "def _message(",
                (
                    "def _unwind_all_the_same(context, error):\n"
                    "    from tenancy.bootstrap import tenancy\n"
                    "    from tenancy.saga.commands import GiveUp\n\n"
                    "    with tenancy().ledger.open('mutant') as ledger:\n"
                    "        of_slug = ledger.rows('tenant_of_slug', slug=context['params']['slug'])\n"
                    "        run_id = ledger.saga(of_slug[0]['tenant_id']).run_id\n"
                    "    _give_up(GiveUp(run_id, str(error)), lease='')\n\n\n"
                    "def _message("
                ),
            ),
        ),
        only_refused,
    ),
    Mutation(
        "absence believed from anyone",
        (
            (
                "include/tenancy/adapters/kubernetes_api.py",
                '                    self._require_absence(f"{method} {path}", path, refusal)\n',
                "                    pass\n",
            ),
        ),
        _router_while_undone,
        generate_trial=generate_systems_trial,
    ),
    Mutation(
        "a failure after the point of no return unwinds",
        ((_ATTEMPT, "    if saga.past_no_return or _keeps_all(saga, activity):", "    if False:"),),
        _fails_in_use,
    ),
)
