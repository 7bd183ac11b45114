"""The JSON API below /tenancy/api/v1: small modules of routes, their shapes, and who may call them."""
