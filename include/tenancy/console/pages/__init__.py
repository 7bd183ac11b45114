"""The operators' pages below /tenancy: server-rendered, in Airflow's UI or alone in a tab. They decide nothing."""
