"""Tenancy: tenant provisioning as a saga on Apache Airflow. docs/architecture.md has the floors and their order."""
