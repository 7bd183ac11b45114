"""Clients of the outside systems: PostgreSQL, Kubernetes, Helm, Airflow's REST API. Their errors become ours here."""
