"""Configures access to a cluster from the extra of an Airflow connection of type `kubernetes`, which bootstrap.py
reads.

The fields are those of the provider's KubernetesHook (10.25.0). The hook is not used: it imports the synchronous and
the asynchronous client, 37 MB each, and passes its configuration in a global, so two regions that are opened at once
could get the same cluster. Here each region gets its own configuration.
"""

import socket
from collections.abc import Mapping
from typing import Any

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config, load_kube_config_from_dict

_FILE, _CONTENT, _POD = "kube_config_path", "kube_config", "in_cluster"
_PREFIX = "extra__kubernetes__"
"""Airflow's form wrote the names with this prefix before Airflow 2.3."""
_KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 6}
"""Seconds and numbers of probes, as in the provider. They detect a load balancer that forgot an idle connection."""


def configuration(extra: Mapping[str, Any]) -> Configuration:
    """The client configuration. It may run a kubeconfig's `exec` program; any failure is raised."""
    given = {name.removeprefix(_PREFIX): value for name, value in extra.items() if value}
    ways = [name for name in (_FILE, _CONTENT, _POD) if name in given]
    if len(ways) > 1:
        raise ValueError(f"Only one of {', '.join(ways)} can be followed.")
    made = Configuration()
    _enter(made, ways[0] if ways else "", given)
    if str(given.get("disable_verify_ssl", "")).lower() == "true":
        made.verify_ssl = False
    if str(given.get("disable_tcp_keepalive", "")).lower() != "true":
        made.socket_options = _kept_alive()
    return made


def _enter(made: Configuration, way: str, given: Mapping[str, Any]) -> None:
    context = given.get("cluster_context")
    if way == _POD:
        load_incluster_config(client_configuration=made)
    elif way == _FILE:
        load_kube_config(config_file=given[_FILE], context=context, client_configuration=made)
    elif way == _CONTENT:
        load_kube_config_from_dict(_parsed(given[_CONTENT]), context=context, client_configuration=made)
    else:
        _enter_by_habit(made, context)


def _enter_by_habit(made: Configuration, context: str | None) -> None:
    """For a connection without fields: the pod's own account, or else the kubeconfig at its usual place."""
    try:
        load_incluster_config(client_configuration=made)
    except ConfigException:
        load_kube_config(context=context, client_configuration=made)


def _parsed(content: Any) -> Any:
    return yaml.safe_load(content) if isinstance(content, str) else content


def _kept_alive() -> list[tuple[int, int, int]]:
    probes = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEPALIVE.items()]
    return [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes]
