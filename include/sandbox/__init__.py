"""The embedded platform: PostgreSQL, Airflow and an emulated cluster on one machine, for demos, tests and game days."""
