"""The JSON API and the operators' pages inside Airflow's api-server. They decide nothing: the engine and the state
machine do."""
