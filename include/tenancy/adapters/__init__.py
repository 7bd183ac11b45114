"""The outside world: PostgreSQL, Airflow's REST API. Client errors become ours here, with their cause kept."""
