"""The stage: what Airflow calls. Thin: it turns Airflow's context into the engine's words and back."""
