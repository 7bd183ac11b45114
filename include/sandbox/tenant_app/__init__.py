"""The application that tenants' addresses serve in the sandbox: what would run in the pods of a tenant's release.

It is the application of products/sample: it reads that product's tables.
"""
