"""A container activity in the engine: its image does what it should, or anything else."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tenancy.activities import registry
from tenancy.engine.reconciliation.drift_check import run_drift_check
from tenancy.ledger.findings import load_open_findings
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection
from tenancy.saga.errors import ForeignObjectError, PermanentError, PlatformError, TenancyError, TransientError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import ContainerSpec, Product
from tests.conformance.server import eventually
from tests.documentation.test_container_activities import PAGE, block
from tests.integration.engine_harness import NO_OBJECTS, ORDER, SHORT_TIMINGS, VALIDATE, EngineHarness
from tests.products import SAMPLE, only

MAILBOX = ActivityName("create_mailbox")
PROGRAM = block(PAGE.read_text(), "python")
"""The documentation's image."""
PASSWORD = "s3cret-word"
WRITES = "import json, os, sys\ngiven = json.load(open(os.environ['TENANCY_INPUT']))\nverb = given['verb']\n"
RESULT = "open(os.environ['TENANCY_RESULT'], 'w').write"


class Mailboxes:
    """A platform whose product makes a mailbox first, by an image that each test chooses."""

    def __init__(self, harness: EngineHarness, programs: Path, store: Path) -> None:
        self.harness, self._programs, self.store = harness, programs, store
        store.mkdir()
        self.spec = ContainerSpec(
            MAILBOX,
            f"registry.example/mailbox:{uuid4().hex[:8]}",
            "Create mailbox",
            "mailbox",
            "sample",
            outputs=(("address", "acme@mail.example"),),
        )
        self.install(self.spec)
        self.program(PROGRAM)

    def install(self, spec: ContainerSpec) -> None:
        self.spec = spec
        registry.install_containers([spec])
        product: Product = replace(SAMPLE, activities=(ORDER[0], MAILBOX, *ORDER[1:]), containers=(spec,))
        self.harness.tenancy = replace(self.harness.tenancy, products=only(lambda: product))

    def connect(self, connection: Connection) -> None:
        """The image gets this connection to the kind of system `mail`."""
        self.install(replace(self.spec, connections=("mail",)))
        tenancy = self.harness.tenancy
        regions = {n: replace(r, connections={"mail": "any_id"}) for n, r in tenancy.platform.regions.items()}
        clients = replace(tenancy.clients, connection=lambda _: connection)
        self.harness.tenancy = replace(tenancy, platform=replace(tenancy.platform, regions=regions), clients=clients)

    def program(self, text: str) -> None:
        """The image is this Python program from now on."""
        known = json.loads(self._programs.read_text())
        command = [sys.executable, "-c", text, str(self.store)]
        draft = self._programs.with_suffix(".new")
        draft.write_text(json.dumps({**known, self.spec.image: command}))
        draft.replace(self._programs)

    def run(self, number: int = 1) -> Any:
        self.harness.run(VALIDATE)
        return self.harness.run(MAILBOX, number)

    @property
    def made(self) -> list[str]:
        return sorted(folder.name for folder in self.store.iterdir())

    @property
    def jobs(self) -> list[Any]:
        return self.harness.kubernetes.items("/apis/batch/v1/namespaces/tenancy-jobs/jobs")

    def fails(self, kind: type[TenancyError]) -> str:
        with pytest.raises(kind) as error:
            self.run()
        message = str(error.value)
        assert message.startswith(
            "sample/product.toml, container_activities.create_mailbox: the image registry.example"
        )
        return message


@pytest.fixture
def mailboxes(harness: EngineHarness, cluster_programs: Path, tmp_path: Path) -> Iterator[Mailboxes]:
    yield Mailboxes(harness, cluster_programs, tmp_path / "mailboxes")
    registry.install_containers(SAMPLE.containers)


def test_a_tenant_with_a_container_activity_becomes_active_and_is_decommissioned(mailboxes: Mailboxes) -> None:
    harness = mailboxes.harness
    for activity in (VALIDATE, MAILBOX, *ORDER[1:]):
        harness.run(activity)
    assert harness.saga.phase == "Active"
    assert harness.saga.outputs[MAILBOX] == {"address": "acme@mail.example"}
    assert len(mailboxes.made) == 1
    harness.record_commands(c.Decommission())
    assert harness.unwind().phase == "Decommissioned"
    assert mailboxes.made == []
    assert harness.external_objects == NO_OBJECTS


def test_later_activities_have_its_outputs_and_its_input_has_no_secret(mailboxes: Mailboxes) -> None:
    mailboxes.run()
    completed = mailboxes.harness.facts(f.ActivityCompleted)[-1]
    assert (completed.activity, completed.outputs) == (MAILBOX, {"address": "acme@mail.example"})
    eventually(lambda: not [job for job in mailboxes.jobs if MAILBOX in str(job["metadata"]["labels"].values())])


def test_the_drift_check_finds_an_orphan_and_a_missing_mailbox(mailboxes: Mailboxes) -> None:
    harness = mailboxes.harness
    for activity in (VALIDATE, MAILBOX, *ORDER[1:]):
        harness.run(activity)
    [name] = mailboxes.made
    (mailboxes.store / name).rename(mailboxes.store / "somewhere-else")
    run_drift_check(harness.tenancy)
    with harness.tenancy.ledger.open("test") as ledger:
        found = {(each.finding.kind, each.finding.name) for each in load_open_findings(ledger)}
    assert found == {("mailbox", name), ("mailbox", "somewhere-else")}


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("pass", "it wrote no result into the file that TENANCY_RESULT names"),
        ("print('{}')", "it wrote no result"),
        (f"{WRITES}{RESULT}('x' * 1_000_000)", "its result has 4096 bytes or more"),
        (f"{WRITES}{RESULT}('this is fine')", "its result is not JSON: 'this is fine'"),
        (f"{WRITES}{RESULT}('[1]')", "its result must be a JSON object, and is '[1]'"),
        (
            f"{WRITES}{RESULT}('{{\"output\": {{}}}}')",
            "its result has an unknown key 'output' (there are: foreign, outputs)",
        ),
        ("import sys; print('no route to mail.example'); sys.exit(1)", "exit code 1; the end of its log: no route to"),
        (
            f"{WRITES}{RESULT}('{{\"present\": false}}' if verb == 'observe' else '{{}}')",
            "observe says that the mailbox",
        ),
    ],
)
def test_an_image_that_does_anything_else_is_a_sentence_and_leaves_nothing(
    mailboxes: Mailboxes, program: str, complaint: str
) -> None:
    mailboxes.program(program)
    message = mailboxes.fails(PermanentError)
    assert complaint in message
    mailboxes.program(PROGRAM)
    mailboxes.harness.give_up(MAILBOX)
    assert mailboxes.harness.saga.phase == "Failed settled"
    assert mailboxes.made == []


def test_outputs_that_are_not_the_declared_ones_hold_the_tenant(mailboxes: Mailboxes) -> None:
    mailboxes.program(PROGRAM.replace('"address":', '"adress":'))
    with pytest.raises(PlatformError, match="address is missing; adress is not declared"):
        mailboxes.run()
    mailboxes.program(PROGRAM)
    assert mailboxes.harness.run(MAILBOX, 2).outputs == {MAILBOX: {"address": "acme@mail.example"}}


def test_an_image_that_never_ends_is_ended_at_its_limit(mailboxes: Mailboxes) -> None:
    mailboxes.install(replace(mailboxes.spec, timeout_minutes=0.2))
    mailboxes.program("import time; time.sleep(600)")
    assert "it did not end within 0.2 minutes" in mailboxes.fails(PermanentError)


def test_an_image_that_asks_for_another_try_gets_it(mailboxes: Mailboxes) -> None:
    mailboxes.program("raise SystemExit(75)")
    assert "exit code 75" in mailboxes.fails(TransientError)
    mailboxes.program(PROGRAM)
    assert mailboxes.harness.run(MAILBOX, 2).outputs


def test_an_image_that_cannot_be_pulled_holds_the_tenant_until_the_file_is_corrected(mailboxes: Mailboxes) -> None:
    good = mailboxes.spec
    mailboxes.install(replace(good, image="no.such.registry.invalid/mailbox:1"))
    with pytest.raises(PlatformError, match="ImagePullBackOff") as error:
        mailboxes.run()
    assert error.value.cause is Cause.CLUSTER_IMAGE
    assert mailboxes.harness.saga.hold.platform_fault
    mailboxes.install(good)
    assert mailboxes.harness.run(MAILBOX, 2).outputs


def test_settings_in_a_connections_extra_change_no_result_and_its_secrets_are_in_no_error(mailboxes: Mailboxes) -> None:
    """The mailbox is `{"present": true}`, and `true` is a text of the connection too."""
    mailboxes.connect(Connection("mail", password=PASSWORD, extra={"use_ssl": "true", "token": "tok-0123456789"}))
    assert mailboxes.run().outputs == {MAILBOX: {"address": "acme@mail.example"}}
    mailboxes.program(f"{WRITES}print('entered with', 'tok-0123456789', {PASSWORD!r}, 'true'); sys.exit(1)")
    mailboxes.harness.record_commands(c.Cancel())
    mailboxes.harness.unwind()
    [failed, *_] = mailboxes.harness.facts(f.CompensationFailed)
    assert "the end of its log: entered with *** *** true" in str(failed)


def test_an_output_with_the_password_of_a_connection_is_a_wrong_result(mailboxes: Mailboxes) -> None:
    mailboxes.connect(Connection("mail", password=PASSWORD))
    mailboxes.program(f"{WRITES}{RESULT}(json.dumps({{'outputs': {{'address': 'me:' + {PASSWORD!r}}}}}))")
    message = mailboxes.fails(PermanentError)
    assert "its output address has the password of a connection" in message
    assert PASSWORD not in message


def test_a_mailbox_of_somebody_else_is_refused_and_stays(mailboxes: Mailboxes) -> None:
    mailboxes.program(f"{WRITES}{RESULT}(json.dumps({{'foreign': 'the sales team'}}))")
    with pytest.raises(ForeignObjectError, match=r"exists and is not ours \(owner: the sales team\)"):
        mailboxes.run()


def test_compensation_that_does_nothing_leaves_the_tenant_stuck_and_says_so(mailboxes: Mailboxes) -> None:
    mailboxes.run()
    mailboxes.program(PROGRAM.replace("    shutil.rmtree(store / name)\n", ""))
    mailboxes.harness.record_commands(c.Cancel())
    assert mailboxes.harness.unwind().phase == "Failed stuck"
    [name] = mailboxes.made
    [exhausted] = mailboxes.harness.facts(f.UnwindingExhausted)
    assert f"Released resources exist again: mailbox {name}." in str(exhausted)


def test_without_its_table_the_tenant_is_held_and_the_rest_is_undone(mailboxes: Mailboxes) -> None:
    harness = mailboxes.harness
    mailboxes.run()
    harness.run(ORDER[1])
    registry.install_containers([])
    harness.record_commands(c.Cancel())
    assert "put its table back into the product's file" in str(harness.unwind().hold)
    assert harness.external_objects == NO_OBJECTS
    registry.install_containers([mailboxes.spec])
    assert harness.unwind().phase == "Failed settled"
    assert mailboxes.made == []


def test_a_killed_worker_leaves_a_job_that_the_next_one_awaits(mailboxes: Mailboxes, tmp_path: Path) -> None:
    """kill -9 while the Job runs: it is not started twice, and its result counts."""
    harness = mailboxes.harness
    harness.run(VALIDATE)
    worker, go = _worker_in_a_job(mailboxes, tmp_path)
    os.kill(worker, signal.SIGKILL)
    go.touch()
    assert harness.run(MAILBOX, 2).outputs
    assert (tmp_path / "starts").read_text() == "x"


def test_a_cancel_after_a_killed_worker_ends_its_job_and_leaves_nothing(mailboxes: Mailboxes, tmp_path: Path) -> None:
    """The Job would make the mailbox later: after the cancel there is neither."""
    harness = mailboxes.harness
    harness.run(VALIDATE)
    worker, go = _worker_in_a_job(mailboxes, tmp_path)
    os.kill(worker, signal.SIGKILL)
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    go.touch()
    assert mailboxes.made == []
    assert not [job for job in mailboxes.jobs if "run" in job["metadata"]["labels"].values()]


def test_a_compensation_that_ends_between_two_passes_counts_and_is_not_begun_again(
    mailboxes: Mailboxes, tmp_path: Path
) -> None:
    harness, starts, go = mailboxes.harness, tmp_path / "starts", tmp_path / "go"
    mailboxes.run()
    mailboxes.program(_waiting_in("compensate", starts, go))
    harness.record_commands(c.Cancel())
    usual, harness.tenancy = harness.tenancy, replace(harness.tenancy, timings=replace(SHORT_TIMINGS, system_budget=1))
    with pytest.raises(TransientError, match="Not undone yet: mailbox"):
        harness.unwind(last_try=False)
    eventually(starts.exists)
    go.touch()
    eventually(lambda: any(job["status"].get("conditions") for job in mailboxes.jobs if _is_compensation(job)))
    harness.tenancy = usual
    assert harness.unwind().phase == "Failed settled"
    assert (mailboxes.made, starts.read_text()) == ([], "x")


def _is_compensation(job: Any) -> bool:
    return job["metadata"]["labels"]["tenancy.internal/verb"] == "compensate"


def _worker_in_a_job(mailboxes: Mailboxes, tmp_path: Path) -> tuple[int, Path]:
    """A process that runs the activity, whose Job waits until the returned file is there."""
    starts, go = tmp_path / "starts", tmp_path / "go"
    mailboxes.program(_waiting_in("run", starts, go))
    process = multiprocessing.get_context("fork").Process(target=mailboxes.harness.run, args=(MAILBOX,), daemon=True)
    process.start()
    eventually(lambda: starts.exists() and starts.read_text())
    assert process.pid
    return process.pid, go


def _waiting_in(verb: str, starts: Path, go: Path) -> str:
    """The documentation's image; in this verb it notes its start, and waits until the file `go` is there."""
    waits = (
        "import os, sys, time\n"
        f"if sys.argv[2] == '{verb}':\n"
        f"    open({str(starts)!r}, 'a').write('x')\n"
        f"    while not os.path.exists({str(go)!r}): time.sleep(0.05)\n"
    )
    return waits + PROGRAM
