"""The published contract of activities finds every kind of mistake: each mutant breaks the rule that names it."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tenancy.activities.activity import DiscoveredObject
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Platform, Region
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource
from tenancy.testing import CHECKS, ActivityBench, Connection
from tests.unit.folder_activity import BOX, MakeBox, owner


def bench_of(activity: MakeBox, shelf: Path) -> ActivityBench:
    connections = {"shelf": Connection("shelf_1", host=str(shelf), password="a-password")}
    return ActivityBench(
        activity,
        connections,
        probe=lambda _, name: (shelf / name).exists(),
        make_foreign=lambda _, name: (shelf / name).mkdir(),
        kills=3,
    )


def broken_rules(activity: MakeBox, shelf: Path) -> set[str]:
    return {check.sentence for check in CHECKS if _is_broken(check.run, bench_of(activity, shelf), shelf)}


def _is_broken(run: Any, bench: ActivityBench, shelf: Path) -> bool:
    for box in shelf.iterdir():
        box.rename(shelf.parent / f"{shelf.name}-{box.name}")
    try:
        run(bench)
    except Exception:  # noqa: BLE001 - each is a broken rule
        return True
    return False


def test_a_correct_activity_breaks_no_rule(tmp_path: Path):
    assert broken_rules(MakeBox(), tmp_path) == set()


class MoreKinds(MakeBox):
    resources = (BOX, "lid")


class NoProof(MakeBox):
    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        return (Intent(BOX, self.own_name(context), "mine"),)


class NameOfSlug(MakeBox):
    def own_name(self, context: ActivityContext) -> str:
        return context.saga.parameters.slug


class NoIdentity(MakeBox):
    def locate(self, context: ActivityContext) -> Location:
        return Location("", context.region.name, "shelf_1")


class OtherIdentity(MakeBox):
    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return "shelf:2"


class MakesWhileChecking(MakeBox):
    def check_request(self, context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> None:
        self.make(context, self.box(context))


class AlwaysThere(MakeBox):
    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        return (Observation(BOX, self.own_name(context), present=True, healthy=True),)


class NeverHealthy(MakeBox):
    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        return (Observation(BOX, self.own_name(context), present=self.box(context).exists(), healthy=False, why="?"),)


class NotTwice(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        context.fence()
        self.make(context, self.box(context))
        return {"path": ""}


class OneMoreEachTime(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        outputs = super().run(context)
        self.make(context, self.box(context).parent / f"{self.own_name(context)}-{len(self.discover_all(context))}")
        return outputs

    def discover_all(self, context: ActivityContext) -> list[Path]:
        return list(self.box(context).parent.iterdir())


class LeavesIt(MakeBox):
    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        context.fence()


class CannotUndoNothing(MakeBox):
    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        context.fence()
        self.remove(context, self.box(context))


class FindsEverything(MakeBox):
    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        shelf = Path(clients.connection("shelf_1").host)
        return tuple(DiscoveredObject(BOX, box.name, owner(box), "shelf") for box in shelf.glob("[!.]*"))


class FindsNothing(MakeBox):
    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        return ()


class NoFence(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        if not self.box(context).exists():
            self.make(context, self.box(context))
        return {"path": ""}


class NoFenceUndoing(MakeBox):
    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        if self.box(context).exists():
            self.remove(context, self.box(context))


class AdoptsForeign(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        box = self.box(context)
        if not box.exists():
            context.fence()
            self.make(context, box)
        return {"path": str(box)}


class TwoSteps(MakeBox):
    """Dies between making the box and writing its proof: then the box is nobody's."""

    def make(self, context: ActivityContext, box: Path) -> None:
        box.mkdir()
        context.fence()
        (box / "owner").write_text(context.proof)


class UndoesInTwoSteps(MakeBox):
    def remove(self, context: ActivityContext, box: Path) -> None:
        (box / "owner").unlink()
        context.fence()
        box.rmdir()


class Undeclared(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        super().run(context)
        return {"address": "x"}


class TellsPassword(MakeBox):
    def run(self, context: ActivityContext) -> Outputs:
        super().run(context)
        return {"path": context.connection_to("shelf").password}


class ExplainsByRepairing(MakeBox):
    def explain(self, context: ActivityContext) -> None:
        self.remove(context, self.box(context))


@pytest.mark.parametrize(
    ("mutant", "rule"),
    [
        (MoreKinds, "it intends exactly the kinds that it makes"),
        (NoProof, "it intends exactly the kinds that it makes"),
        (NameOfSlug, "the names of two tenants differ"),
        (NoIdentity, "the identity of its system is recorded"),
        (OtherIdentity, "the identity of its system is recorded"),
        (MakesWhileChecking, "checking a request makes nothing"),
        (AlwaysThere, "before it ran, observe says absent and why"),
        (NeverHealthy, "after it ran, observe says present and healthy"),
        (NotTwice, "running it twice is running it once"),
        (OneMoreEachTime, "running it twice is running it once"),
        (LeavesIt, "undoing it leaves nothing"),
        (CannotUndoNothing, "undoing what was never made changes nothing"),
        (FindsEverything, "discover finds nothing of another platform"),
        (FindsNothing, "discover finds exactly what it made"),
        (NoFence, "a process that was overtaken makes nothing"),
        (NoFenceUndoing, "a process that was overtaken undoes nothing"),
        (AdoptsForeign, "an object without our proof is refused"),
        (TwoSteps, "killed anywhere, it can be run again to its end"),
        (TwoSteps, "killed anywhere, it can be undone"),
        (TwoSteps, "what a process made before it was overtaken can be undone"),
        (UndoesInTwoSteps, "undoing it, killed anywhere, can be repeated"),
        (Undeclared, "it returns the declared outputs"),
        (TellsPassword, "it returns the declared outputs, without a password"),
        (ExplainsByRepairing, "explain changes nothing"),
    ],
)
def test_a_mistake_breaks_its_rule(mutant: type[MakeBox], rule: str, tmp_path: Path):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (check,) = [check for check in CHECKS if check.sentence.startswith(rule)]
    assert _is_broken(check.run, bench_of(mutant(), shelf), shelf)


def test_ctrl_c_ends_the_process_that_waits_for_its_kill_and_what_it_started_and_leaves_nothing(tmp_path: Path):
    """Ctrl-C in a terminal does not reach a process group of its own."""
    ours = os.getpid()
    alive, held = os.pipe()  # `alive` ends when nobody holds the other end

    class Interrupted(MakeBox):
        def make(self, context: ActivityContext, box: Path) -> None:
            super().make(context, box)
            if os.getpid() != ours:
                subprocess.Popen(["sleep", "60"], pass_fds=[held])
                os.kill(ours, signal.SIGINT)
                time.sleep(60)

    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (check,) = [check for check in CHECKS if check.sentence == "killed anywhere, it can be undone"]
    with pytest.raises(KeyboardInterrupt):
        check.run(bench_of(Interrupted(), shelf))
    os.close(held)
    assert select.select([alive], [], [], 10)[0]
    os.close(alive)
    assert list(shelf.iterdir()) == []


def test_a_check_of_undoing_that_fails_is_undone_again(tmp_path: Path):
    class FailsAtFirst(MakeBox):
        failed = False

        def remove(self, context: ActivityContext, box: Path) -> None:
            if not self.failed:
                self.failed = True
                raise OSError("not now")
            super().remove(context, box)

    (check,) = [check for check in CHECKS if check.sentence.startswith("undoing it leaves nothing")]
    with pytest.raises(OSError, match="not now"):
        check.run(bench_of(FailsAtFirst(), tmp_path))
    assert list(tmp_path.iterdir()) == []
