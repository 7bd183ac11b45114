"""The use cases: run an activity, give up, unwind, reconcile, check for drift, check health, alert.

saga/ decides, activities/ change the outside world, ledger/ stores; this package connects them.
"""
