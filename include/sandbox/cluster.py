"""`python -m sandbox.cluster`: the cluster emulator, with tenants' application behind its ingress.

`cluster_server` runs it. Its arguments are those of `python -m cluster_emulator`.
"""

from cluster_emulator.command import main
from sandbox.tenant_app.application import TenantApp

if __name__ == "__main__":
    main(TenantApp().answer, program="python -m sandbox.cluster")
