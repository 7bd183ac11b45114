"""How long an outside system may continue with a request whose client has ended: its own limits, each with its source.

Names and numbers only. Activities derive their `late_seconds` from them, and the DAG file imports activities.
"""

from typing import Final

CLUSTER_WRITE_SECONDS: Final = 30.0
"""Seconds: the deadline of each write to a Kubernetes API server.

Our client sends it as `?timeout=`, and the server enforces it on all that the request waits for, admission webhooks
included (apiserver/pkg/endpoints/filters/request_deadline.go). 30 s is the most that one webhook may take
(`timeoutSeconds`). Without it the server's own `--request-timeout` applies, 60 s by default. Our client stops waiting
after 10 s; its next try finds what was created.
"""
AIRFLOW_LOCK_SECONDS: Final = 8.0
"""Seconds that Airflow's database waits for a lock (`alter role airflow set lock_timeout = '8s'`,
docs/architecture.md)."""
MARGIN_SECONDS: Final = 1.0
"""Seconds for the write itself after its last wait, and for differences between clocks."""
