"""What a value of the platform file must be so that no later activity refuses it. Pure.

Each rule is that of the system which would refuse: Kubernetes (quantities, labels, DNS names), the tenant chart's
values.schema.json, PostgreSQL and Airflow. tests/unit/test_platform_values.py holds them against those.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from tenancy.saga.names import CONNECTION_LIMIT
from tenancy.saga.quantities import LARGEST, amount

NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
"""It becomes the value of a label, which ends in a letter or digit."""
MOST_REPLICAS: Final = 50
"""The chart's maximum."""
MOST_CONNECTIONS: Final = 262_143
"""PostgreSQL's largest max_connections."""
LONGEST_DOMAIN: Final = 212
"""With a slug of 40 and its dot it fits into the 253 characters of a DNS name."""
LEAST_MEMORY: Final = 4 * 1024**2
"""In bytes. No container starts with less, so a smaller value is a mistake, such as 128m, which is 0.128 bytes."""
LONGEST_POOL: Final = 256
_LEAST_CPU: Final = Decimal("0.001")
_DNS_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SYSTEM: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CONNECTION: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{CONNECTION_LIMIT}}}")


def region_problems(table: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a region's texts; adapters/platform_file.py reports wrong types and missing keys."""
    for key in ("storage_connection", "cluster_connection"):
        if _is_text(table.get(key)) and not _CONNECTION.fullmatch(table[key]):
            yield (
                f"{key} must be the id of an Airflow connection: letters, digits, _ . and -, at most "
                f"{CONNECTION_LIMIT} characters"
            )
    yield from _wrong_connections(table.get("connections"))
    if _is_text(table.get("ingress_domain")) and not is_domain(table["ingress_domain"]):
        yield (
            f"ingress_domain must be a DNS name (RFC 1123): lower-case letters, digits and - between dots, at most "
            f"{LONGEST_DOMAIN} characters, such as eu.tenants.example.com; no https:// and no path"
        )


def _wrong_connections(table: Any) -> Iterator[str]:
    for system, conn_id in table.items() if isinstance(table, dict) else ():
        if not _SYSTEM.fullmatch(system):
            yield f"connections.{system}: a kind of system must be of a-z, 0-9 and _, and begin with a letter"
        if isinstance(conn_id, str) and not _CONNECTION.fullmatch(conn_id):
            yield f"connections.{system} must be the id of an Airflow connection"


def plan_problems(table: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a plan's values."""
    for key, most in (("replicas", MOST_REPLICAS), ("database_connections", MOST_CONNECTIONS)):
        if _is_count(table.get(key)) and table[key] > most:
            yield f"{key} must be at most {most}"
    if _is_text(table.get("workflow_pool")) and len(table["workflow_pool"]) > LONGEST_POOL:
        yield f"workflow_pool must have at most {LONGEST_POOL} characters"
    for key, judge in (("cpu", _wrong_cpu), ("memory", _wrong_memory)):
        if _is_text(table.get(key)):
            yield from _wrong_quantity(key, table[key], judge, table.get("replicas"))


def is_domain(text: str) -> bool:
    """Is it a DNS name by RFC 1123 below which each tenant can have its own?"""
    return len(text) <= LONGEST_DOMAIN and all(_DNS_LABEL.fullmatch(label) for label in text.split("."))


def _wrong_quantity(key: str, text: str, judge: Callable[[Decimal], str], replicas: Any) -> Iterator[str]:
    try:
        value = amount(text)
    except ValueError:
        yield f"{key} must be a Kubernetes quantity such as 250m or 256Mi"
        return
    # The namespace's quota is the plan's replicas and one more; an API server counts thousandths.
    most = LARGEST / 1000 / (1 + (replicas if _is_count(replicas) and replicas <= MOST_REPLICAS else MOST_REPLICAS))
    why = f"must be at most {most:.0f}" if value > most else judge(value)
    if why:
        yield f"{key} = {text} {why}"


def _wrong_cpu(value: Decimal) -> str:
    whole = value >= _LEAST_CPU and value % _LEAST_CPU == 0
    return "" if whole else "must be at least 1m, in whole thousandths of a CPU"


def _wrong_memory(value: Decimal) -> str:
    if value >= LEAST_MEMORY and value == value.to_integral_value():
        return ""
    return f"is {value.normalize():f} bytes; it must be whole bytes, at least 4Mi (128m is 0.128 bytes, write 128Mi)"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
