"""What has to stand before the first tenant, wherever Tenancy is installed: databases, users, connections, secrets.

The sandbox calls it, and the `init` service of docker-compose.yaml. It knows the product and no sandbox.
"""
