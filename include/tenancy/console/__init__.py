"""The window: the JSON API inside Airflow's api-server. Decides nothing: the law is asked through the engine."""
