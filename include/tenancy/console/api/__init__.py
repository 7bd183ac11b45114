"""The JSON API below /tenancy/api/v1: small modules of routes, their models, and who may call them."""
