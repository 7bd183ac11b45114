"""The drift check: compares the ledger with the outside world. It records findings and removes nothing.

Called by the DAG tenant_reality_check. It observes every resource kind that an installed activity creates. A new
finding
counts only if a second observation confirms it. A system that could not be observed is reported as such; its resources
count neither as missing nor as repaired.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from tenancy.activities import registry
from tenancy.activities.activity import Activity
from tenancy.activities.allocate_storage import PASSWORD
from tenancy.activities.context import SystemClients
from tenancy.engine.reconciliation.comparison import Comparison, Discovery
from tenancy.engine.reconciliation.head_signing import HeadSigning
from tenancy.engine.reconciliation.ledger_drift import ALTERED_FACTS, find_ledger_drift
from tenancy.engine.tenancy import Tenancy, message_of
from tenancy.ledger import findings, heartbeats, inventory
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import TransientError
from tenancy.saga.names import TenantId

log = logging.getLogger(__name__)

BEAT: Final = "reality check"
_LABELS: Final = {FindingKind.ORPHAN: "orphan", FindingKind.MISSING: "missing", FindingKind.DRIFT: "edited"}


def run_drift_check(tenancy: Tenancy) -> str:
    """One pass. Returns a summary in one sentence, and records it with the heartbeat."""
    began = tenancy.monotonic()
    with tenancy.ledger.open("tenancy reality check") as ledger:
        check = _Check(tenancy, ledger, {})
        found = check.outside() + check.inside()
        summary = _summary(found, check.failures)
        heartbeats.record_heartbeat(ledger, BEAT, took_seconds=tenancy.monotonic() - began, summary=summary)
    return summary


@dataclass(frozen=True)
class _Target:
    """One activity's resources in one region. The region is empty if all regions share one system."""

    activity: Activity
    region: str

    def __str__(self) -> str:
        return f"{' and '.join(self.activity.resources)}{f' in {self.region}' if self.region else ''}"


@dataclass(frozen=True)
class _Check:
    tenancy: Tenancy
    ledger: LedgerSession
    failures: dict[_Target, str]
    """What could not be observed, and why."""

    def outside(self) -> list[Finding]:
        """Compare the ledger with the outside world. Findings that are no longer true are closed."""
        known = {each.finding.key: each.finding for each in findings.load_open_findings(self.ledger)}
        known = {key: finding for key, finding in known.items() if finding.outside}
        comparison = self._compare(self._targets())
        findings_now = comparison.findings()
        new = [finding for finding in findings_now if finding.key not in known]
        twice = self._confirm(new)
        confirmed = [finding for finding in findings_now if finding.key in known or finding.key in twice]
        self._store(confirmed, [each for each in known.values() if comparison.covers(each)])
        return confirmed

    def inside(self) -> list[Finding]:
        """Compare the ledger's rows with its facts, tenant by tenant."""
        known = [each.finding for each in findings.load_open_findings(self.ledger) if not each.finding.outside]
        signing = HeadSigning(self.tenancy, self.ledger)
        forged = signing.verify()
        edited = (
            finding
            for stored in inventory.load_stored_tenants(self.ledger)
            for finding in self._check_ledger(stored, signing)
        )
        confirmed = [*forged, *edited]
        if not forged:
            signing.sign()
        self._store(confirmed, known)
        return confirmed

    def _check_ledger(self, stored: StoredTenant, signing: HeadSigning) -> list[Finding]:
        found = find_ledger_drift(stored)
        if not any(finding.kind == ALTERED_FACTS for finding in found):
            signing.collect(stored)
        return found

    def _store(self, confirmed: list[Finding], decided: Iterable[Finding]) -> None:
        findings.confirm_findings(self.ledger, confirmed)
        keys = {finding.key for finding in confirmed}
        gone = [finding for finding in decided if finding.key not in keys]
        findings.close_findings(self.ledger, gone)
        for finding in gone:
            log.info("mended: %s %s %s", finding.what, finding.kind, finding.name)

    def _targets(self) -> list[_Target]:
        makers = [activity for activity in registry.installed() if activity.resources]
        regions = self.tenancy.platform.regions
        return [_Target(each, region) for each in makers for region in (regions if each.regional else ("",))]

    def _confirm(self, new: list[Finding]) -> set[tuple[str, str, str, str]]:
        """Observe again, only where something new was found. The ledger is read again for it."""
        where = {(registry.maker_of_kind(finding.kind).name, finding.region) for finding in new}
        targets = [target for target in self._targets() if (target.activity.name, target.region) in where]
        return {finding.key for finding in self._compare(targets).findings()} if targets else set()

    def _compare(self, targets: Iterable[_Target]) -> Comparison:
        clients = self._clients()
        # first: a tenant that changes while the resources are read has another seq afterwards
        before = inventory.load_seqs(self.ledger)
        owned = inventory.load_live_resources(self.ledger)
        discoveries = tuple(
            discovery for target in targets if (discovery := self._discover(target, clients)) is not None
        )
        replaced = self.tenancy.platform.replaced_systems
        comparison = Comparison(discoveries, owned, before, inventory.load_seqs(self.ledger), replaced)
        self._note_other_systems(comparison)
        return comparison

    def _note_other_systems(self, comparison: Comparison) -> None:
        """Report systems that are not the ones in which the tenants' resources were created."""
        targets = {(target.activity.resources, target.region): target for target in self._targets()}
        for discovery in comparison.discoveries:
            if elsewhere := comparison.in_other_systems(discovery):
                recorded = ", ".join(sorted({each.system for each in elsewhere}))
                self.failures[targets[discovery.kinds, discovery.region]] = (
                    f"another system responds, {discovery.system}; {len(elsewhere)} resources were made in {recorded}"
                )

    def _clients(self) -> SystemClients:
        """Clients with the passwords of all tenants, because only the tenant's own role may enter its database."""
        owned = inventory.load_live_resources(self.ledger).values()
        credentials = {each.tenant_id: each.credential for each in owned if each.credential}

        def password(tenant_id: TenantId) -> str | None:
            credential = credentials.get(tenant_id)
            return self.tenancy.keyring.derive(tenant_id, credential, PASSWORD) if credential else None

        return replace(self.tenancy.clients, database_password=password)

    def _discover(self, target: _Target, clients: SystemClients) -> Discovery | None:
        platform = self.tenancy.platform
        regions = {name: region for name, region in platform.regions.items() if name == target.region}
        region = regions.get(target.region)
        try:
            before = target.activity.identify(clients, region)
            found = target.activity.discover(clients, replace(platform, regions=regions))
            system = target.activity.identify(clients, region)
            _require_one_system(before, system)
        except Exception as error:  # noqa: BLE001 - one region's error must not keep the others from being observed
            self.failures[target] = message_of(error)
            log.warning("not checked: %s: %s", target, message_of(error))
            return None
        return Discovery(target.activity.resources, target.region, tuple(found), system)


def _require_one_system(before: str, after: str) -> None:
    if before != after:
        raise TransientError(f"different systems responded during the check: {before}, then {after}")


def _summary(found: list[Finding], failures: dict[_Target, str]) -> str:
    counts = Counter(finding.what for finding in found)
    summary = ", ".join(f"{counts[what]} {word}" for what, word in _LABELS.items() if counts[what]) or "nothing found"
    unseen = "; ".join(f"{target} ({why.rstrip('.')})" for target, why in failures.items())
    return f"{summary}; not checked: {unseen}" if unseen else summary
