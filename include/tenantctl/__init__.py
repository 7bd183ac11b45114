"""`tenantctl`: the operators' command line, for whoever is woken at three in the morning.

It speaks HTTP to Tenancy's JSON API and knows nothing else of Tenancy: no import of `tenancy` or `sandbox`, so that it
can be carried to any machine (import-linter holds that). What may be done, and what follows, the API says; this
package asks, waits and shows. docs/reference/tenantctl.md is its page.
"""
