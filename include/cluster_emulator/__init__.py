"""A cluster emulator: the part of the Kubernetes API that Helm 4, kubectl and the official Python client need.

Start it with `python -m cluster_emulator`; README.md says how, and what its limits are. It runs no containers:
`controllers/kubelet.py` only reports what a kubelet would report.
"""
