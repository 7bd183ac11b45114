"""The embedded platform: PostgreSQL, Airflow and (later) a cluster on one machine, for demos, tests and game days."""
