"""The embedded cluster: the part of the Kubernetes API that Helm 4, kubectl and the official Python client need.

Start it with `python -m cluster_emulator`. Production points the same Airflow connection at a real cluster and no
code knows the difference. It runs no containers: `controllers/kubelet.py` only says what a kubelet would say.
"""
