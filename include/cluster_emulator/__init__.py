"""A cluster emulator: the part of the Kubernetes API that Helm 4, kubectl and the official Python client need.

Start it with `python -m cluster_emulator`; README.md has its options and limits. It runs no containers:
`controllers/kubelet.py` only reports what a kubelet would report.
"""
