"""The example image `examples/dns-record`: the contract of activities against a real DNS server, and what can go wrong
between the two."""

import threading
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from sandbox.ports import any_free
from tenancy.activities.activity import Activity
from tenancy.activities.container_activity import container_activity
from tenancy.adapters.container_tables import read_containers
from tenancy.saga.connections import Connection
from tenancy.saga.errors import ForeignObjectError, PermanentError, TransientError
from tenancy.saga.names import proof_of
from tenancy.testing import CHECKS, ActivityBench, Check, LocalCluster
from tenancy.testing.bench import BenchTenant
from tenancy.testing.outcome import require_there
from tests.dns_proxies import UPDATE, DnsProxy, dns_proxy
from tests.dns_servers import EXAMPLE, SECRET, TARGET, ZONE, DnsServer, dns_server

CLUSTER: Final = LocalCluster(["python", str(EXAMPLE / "dns_record.py")])
MOST_REQUESTS: Final = 20


def activity() -> Activity:
    """As the example's table describes it."""
    (spec,), problems = read_containers(tomllib.loads((EXAMPLE / "product.toml").read_text()), "edge")
    assert problems == []
    return container_activity(spec)


def bench_on(dns: DnsServer, connection: Connection) -> ActivityBench:
    """The server is here, so a dead client's request is carried out within moments."""
    return ActivityBench(activity(), {"dns": connection}, dns.has, dns.make, cluster=CLUSTER, kills=1, late_seconds=0.3)


@pytest.fixture
def bench(dns: DnsServer) -> ActivityBench:
    return bench_on(dns, dns.connection())


@pytest.fixture
def made(bench: ActivityBench) -> BenchTenant:
    tenant = bench.tenant()
    tenant.run()
    return tenant


def name_of(tenant: BenchTenant) -> str:
    return tenant.resources[0].name


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_it_keeps_the_contract(check: Check, bench: ActivityBench):
    check.run(bench)


def test_the_record_leads_to_the_target_with_the_proof_beside_it(made: BenchTenant, dns: DnsServer):
    name = name_of(made)
    proof = proof_of(made.bench.platform_name, made.saga.tenant_id)
    assert dns.records() == {name: {"CNAME ingress"}, f"_tenancy.{name}": {f'TXT "{proof}"'}}
    assert made.run() == {"host": f"{name}.{ZONE}"}


@pytest.mark.parametrize(("target", "record"), [("192.0.2.7", "A 192.0.2.7"), ("2001:DB8::7", "AAAA 2001:db8::7")])
def test_an_address_is_an_address_record(dns: DnsServer, target: str, record: str):
    tenant = bench_on(dns, dns.connection(target=target)).tenant()
    tenant.run()
    assert dns.records()[name_of(tenant)] == {record}
    require_there(tenant)


# -- cut anywhere. A program keeps nothing, so for the server a cut connection is the death of the program.


@pytest.fixture(params=["cut_before", "cut_after"])
def cut(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def cut_runs(dns: DnsServer, cut: str) -> Iterator[tuple[BenchTenant, BenchTenant, DnsProxy]]:
    """A new tenant by a proxy that cuts its first, second, … request, and the same tenant without the proxy. Ends after
    the update: what follows only reads."""
    for number in range(MOST_REQUESTS):
        with dns_proxy(dns.port, **{cut: number}) as proxy:
            tenant = bench_on(dns, dns.connection(proxy.port)).tenant()
            clear = replace(tenant.bench, connections={"dns": dns.connection()})
            yield tenant, replace(tenant, bench=clear), proxy
        if UPDATE in proxy.opcodes[:number]:
            return
    pytest.fail(f"it made more than {MOST_REQUESTS} requests")


def test_cut_at_any_request_it_is_run_again_to_its_end(dns: DnsServer, cut: str):
    for broken, clear, proxy in cut_runs(dns, cut):
        with suppress(TransientError):
            broken.run()
        assert proxy.opcodes
        clear.run()  # looks itself whether record and proof are there


def test_cut_at_any_request_it_is_undone(dns: DnsServer, cut: str):
    for broken, clear, _ in cut_runs(dns, cut):
        with suppress(TransientError):
            broken.run()
        clear.undo()
        assert dns.records() == {}


def test_undoing_that_is_cut_at_any_request_is_repeated(dns: DnsServer, cut: str):
    for number in range(2):  # one update
        tenant = bench_on(dns, dns.connection()).tenant()
        tenant.run()
        with dns_proxy(dns.port, **{cut: number}) as proxy, suppress(TransientError):
            replace(tenant, bench=bench_on(dns, dns.connection(proxy.port))).undo()
        tenant.undo()
        assert dns.records() == {}


def test_of_two_that_create_a_name_at_once_one_is_refused(dns: DnsServer):
    """Both have found nothing before either sends its update."""
    both = threading.Barrier(2, timeout=60)

    def hold(opcode: int) -> None:
        if opcode == UPDATE:
            with suppress(threading.BrokenBarrierError):
                both.wait()
                both.abort()  # later updates pass

    with dns_proxy(dns.port, hold=hold) as proxy:
        ours = bench_on(dns, dns.connection(proxy.port)).tenant()
        other = replace(ours, bench=replace(ours.bench, platform_name="other"))
        outcomes = run_at_once(ours, other)
    assert sorted(outcomes) == ["ForeignObjectError", "made"]
    winner = (ours, other)[outcomes.index("made")]
    assert proof_of(winner.bench.platform_name, winner.saga.tenant_id) in str(dns.records())


def run_at_once(*tenants: BenchTenant) -> list[str]:
    outcomes = ["" for _ in tenants]

    def run(number: int) -> None:
        try:
            tenants[number].run()
            outcomes[number] = "made"
        except Exception as error:  # noqa: BLE001 - the test compares its name
            outcomes[number] = type(error).__name__

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tenants))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# -- what is there


def test_a_record_of_another_platform_is_refused_with_its_owner_and_stays(bench: ActivityBench, dns: DnsServer):
    tenant = bench.tenant()
    name = name_of(tenant)
    dns.make("dns_record", name)
    dns.add(f"_tenancy.{name}", "TXT", '"tenancy:other:1"')
    before = dns.records()
    for act in (tenant.run, tenant.undo):
        with pytest.raises(ForeignObjectError, match="tenancy:other:1"):
            act()
    assert dns.records() == before


def test_a_proof_that_somebody_else_added_beside_ours_makes_the_name_foreign(made: BenchTenant, dns: DnsServer):
    dns.add(f"_tenancy.{name_of(made)}", "TXT", '"heritage=external-dns"')
    with pytest.raises(ForeignObjectError, match="heritage=external-dns"):
        made.undo()
    assert dns.has("", name_of(made))


@pytest.mark.parametrize("there", [None, "192.0.2.66"])
def test_a_record_of_ours_that_somebody_changed_is_unhealthy_and_is_repaired(
    made: BenchTenant, dns: DnsServer, there: str | None
):
    dns.remove(name_of(made))
    if there:
        dns.add(name_of(made), "A", there)
    (observed,) = made.observe()
    assert (observed.present, observed.healthy) == (True, False)
    assert f"does not lead to the target: it has {f'A {there}' if there else 'no record'}" in observed.why
    made.run()
    require_there(made)


def test_a_record_that_differs_from_the_target_in_case_only_is_healthy(made: BenchTenant, dns: DnsServer):
    other_case = {"dns": dns.connection(target="Ingress.EU.example")}
    require_there(replace(made, bench=replace(made.bench, connections=other_case)))


def test_a_wildcard_of_the_zone_is_no_record_of_a_tenant(bench: ActivityBench, dns: DnsServer):
    dns.add("*", "A", "192.0.2.66")
    dns.add("*", "TXT", '"hello"')
    tenant = bench.tenant()
    (observed,) = tenant.observe()
    assert not observed.present
    tenant.run()
    require_there(tenant)
    tenant.undo()
    assert set(dns.records()) == {"*"}


def test_more_records_than_a_result_has_room_for_are_discovered(bench: ActivityBench, dns: DnsServer):
    proof = proof_of(bench.platform_name, "")
    for number in range(80):
        dns.add(f"_tenancy.acme-{number}", "TXT", f'"{proof}{number}"')
    assert {each.name for each in bench.discover()} == {f"acme-{number}" for number in range(80)}


def test_a_name_that_is_not_ascii_is_not_discovered(bench: ActivityBench, dns: DnsServer):
    dns.add("_tenancy.\\255", "TXT", f'"{proof_of(bench.platform_name, "")}1"')
    assert bench.discover() == set()


# -- a server that is silent or wrong is never one that has no record


def acts_of(tenant: BenchTenant, connection: Connection) -> tuple:
    moved = replace(tenant, bench=replace(tenant.bench, connections={"dns": connection}))
    return moved.run, moved.undo, moved.observe, moved.bench.discover


def test_a_server_that_does_not_respond_is_tried_again(made: BenchTenant, dns: DnsServer):
    for act in acts_of(made, dns.connection(any_free())):
        with pytest.raises(TransientError, match="exit code 75"):
            act()
    assert dns.has("", name_of(made))


def test_a_clock_that_is_wrong_is_no_wrong_key_and_is_tried_again(made: BenchTenant, dns: DnsServer, tmp_path: Path):
    late = tmp_path / "late.py"
    late.write_text(
        "import runpy, sys, time\n"
        "now = time.time\n"
        "time.time = lambda: now() - 3600\n"
        f"sys.path.insert(0, {str(EXAMPLE)!r})\n"
        f"runpy.run_path({str(EXAMPLE / 'dns_record.py')!r}, run_name='__main__')\n"
    )
    slow = replace(made, bench=replace(made.bench, cluster=LocalCluster(["python", str(late)])))
    for act in acts_of(slow, dns.connection()):
        with pytest.raises(TransientError, match=r"clock.*\(exit code 75\)|exit code 75.*clock"):
            act()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "d3Jvbmc="}, "the server does not accept the connection's key"),
        ({"login": "nobody"}, "the server does not accept the connection's key"),
        ({"password": "abc"}, "is not a TSIG key in base64"),
        ({"schema": "us.example"}, r"is the zone right\?|NOTAUTH"),
        ({"schema": ""}, "the connection has no schema"),
        ({"host": ""}, "the connection has no host"),
        ({"extra": {}}, "the connection has no target"),
        ({"extra": {"target": TARGET, "algorithm": "hmac-bogus"}}, "the connection's algorithm is unknown"),
        ({"extra": {"target": TARGET, "ttl": "abc"}}, "the connection's ttl is not a number of seconds"),
    ],
)
def test_a_wrong_connection_is_refused_with_a_sentence_and_changes_nothing(
    made: BenchTenant, dns: DnsServer, changes: dict, sentence: str
):
    before = dns.records()
    for act in acts_of(made, replace(dns.connection(), **changes)):
        with pytest.raises(PermanentError, match=sentence) as raised:
            act()
        assert SECRET not in str(raised.value)
    assert dns.records() == before


def test_a_server_without_the_key_is_not_believed(made: BenchTenant, dns: DnsServer, tmp_path: Path):
    """It has the same zone, without the record: a copy, a restored backup, a typing error in the host."""
    with dns_server(tmp_path, key="c29tZSBvdGhlciBrZXk=") as other:
        for act in acts_of(made, dns.connection(other.port)):
            with pytest.raises(PermanentError, match="does not accept the connection's key"):
                act()
