"""Prepares what Tenancy needs before the first tenant: databases, users, connections, secrets.

Called by the sandbox and by the `init` service of docker-compose.yaml. It knows the product and no sandbox.
"""
