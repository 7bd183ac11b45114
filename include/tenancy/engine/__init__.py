"""The use cases, a package for each subject: provisioning, actions, recovery, reconciliation, notifications, health.

saga/ decides, activities/ change the outside world, ledger/ stores; this package connects them. What all use is here:
the parts of one platform (tenancy.py), the workflow engine (workflow.py) and its status.
"""
