"""How a cluster is entered, by the extra of an Airflow connection of type `kubernetes`; bootstrap.py reads that.

The fields are those of the provider's KubernetesHook (10.25.0). The hook itself imports the synchronous and the
asynchronous client, 37 MB each, and hands its configuration over by a global: two regions opened at once could be the
same cluster. Here each gets a configuration of its own.
"""

import socket
from collections.abc import Mapping
from typing import Any

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config, load_kube_config_from_dict

_FILE, _CONTENT, _POD = "kube_config_path", "kube_config", "in_cluster"
_PREFIX = "extra__kubernetes__"
"""Airflow's form wrote the names with it before Airflow 2.3."""
_KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 6}
"""Seconds and probes, as in the provider: a balancer that forgot an idle connection is noticed."""


def configuration(extra: Mapping[str, Any]) -> Configuration:
    """What the client has to be configured with. It may run a kubeconfig's `exec` program; any failure is raised."""
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
    """A connection that says nothing: the pod's own account, or else the kubeconfig at its usual place."""
    try:
        load_incluster_config(client_configuration=made)
    except ConfigException:
        load_kube_config(context=context, client_configuration=made)


def _parsed(content: Any) -> Any:
    return yaml.safe_load(content) if isinstance(content, str) else content


def _kept_alive() -> list[tuple[int, int, int]]:
    probes = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEPALIVE.items()]
    return [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probes]
