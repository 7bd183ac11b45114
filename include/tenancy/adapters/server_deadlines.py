"""How long an outside system may continue with a request whose client is dead: its own limits, each with its source.

Names and numbers only: activities state their `late_seconds` by these, and the DAG file imports activities.
"""

from typing import Final

CLUSTER_WRITE_SECONDS: Final = 30.0
"""The deadline that our client gives each write to a Kubernetes API server: `?timeout=`, which the server enforces on
all that the request waits for, admission webhooks included (apiserver/pkg/endpoints/filters/request_deadline.go). 30 s
is the most that one webhook may take (`timeoutSeconds`). Without it a request may take the server's own
`--request-timeout`, 60 s by default. Our client stops waiting after 10 s; its next try finds what was made."""
AIRFLOW_LOCK_SECONDS: Final = 8.0
"""How long Airflow's database waits for a lock (`alter role airflow set lock_timeout = '8s'`, docs/architecture.md)."""
MARGIN_SECONDS: Final = 1.0
"""For the write itself, once its last wait is over, and for clocks that differ a little."""
