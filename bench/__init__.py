"""Benchmarks of a whole sandbox, of the console and of the reconciler. Each module is one; `make bench` runs them.

Every benchmark prints what it measured and asserts nothing. None is installed, and neither the product nor the sandbox
imports one.
"""
