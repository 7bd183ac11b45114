"""What Airflow calls: operators, triggers, callbacks, the listener. Thin: the engine does the work."""
