"""`tenantctl`: the command line for operators.

It uses Tenancy's JSON API over HTTP and imports neither `tenancy` nor `sandbox` (import-linter checks that), so that it
runs on any machine. The API decides what is allowed and what happens next. This package sends requests, waits and shows
the answers. Documentation: docs/reference/tenantctl.md.
"""
