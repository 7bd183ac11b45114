"""The ingress listener: tenants' own addresses, answered as their pods would answer."""
