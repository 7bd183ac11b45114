"""The contract of an activity, for authors of packages: `CHECKS` run against an `ActivityBench` (docs/extending)."""

from tenancy.saga.connections import Connection
from tenancy.testing.bench import ActivityBench
from tenancy.testing.check import Check
from tenancy.testing.checks import CHECKS
from tenancy.testing.local_cluster import LocalCluster, activity_in

__all__ = ["CHECKS", "ActivityBench", "Check", "Connection", "LocalCluster", "activity_in"]
