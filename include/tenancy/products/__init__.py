"""Products on a laptop and in CI, without Airflow: check a product's folder, show it, write a starting point."""
