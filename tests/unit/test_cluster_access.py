"""What the extra of a cluster's connection means."""

import json
import socket
from typing import Any

import pytest

from tenancy.adapters.cluster_access import configuration


def kubeconfig(**clusters: str) -> dict[str, Any]:
    """A context for each cluster; the first is the current one."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in clusters.items()],
        "users": [{"name": "ada", "user": {"token": "t0ken"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "ada"}} for name in clusters],
        "current-context": next(iter(clusters)),
    }


TWO = kubeconfig(eu="https://eu.test", us="https://us.test")


@pytest.mark.parametrize("content", [TWO, json.dumps(TWO)], ids=["object", "text"])
def test_a_kubeconfig_leads_to_its_current_context_or_to_the_one_that_is_named(content: Any):
    assert configuration({"kube_config": content}).host == "https://eu.test"
    named = configuration({"kube_config": content, "cluster_context": "us"})
    assert (named.host, named.get_api_key_with_prefix("BearerToken")) == ("https://us.test", "Bearer t0ken")


def test_one_way_is_followed_and_never_one_of_several():
    with pytest.raises(ValueError, match="Only one of kube_config, in_cluster"):
        configuration({"kube_config": TWO, "in_cluster": True})
    assert configuration({"kube_config": TWO, "kube_config_path": "", "in_cluster": False}).host == "https://eu.test"


@pytest.mark.parametrize(("setting", "verified"), [(True, False), ("True", False), (False, True), ("", True)])
def test_the_server_is_verified_unless_the_connection_says_otherwise(setting: Any, verified: bool):
    assert configuration({"kube_config": TWO, "disable_verify_ssl": setting}).verify_ssl is verified


@pytest.mark.parametrize("name", ["kube_config", "extra__kubernetes__kube_config"])
def test_names_from_before_airflow_2_3_are_known(name: str):
    assert configuration({name: TWO}).host == "https://eu.test"


def test_an_idle_connection_is_probed_unless_the_connection_says_otherwise():
    probed = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert probed in configuration({"kube_config": TWO}).socket_options
    quiet = configuration({"kube_config": TWO, "disable_tcp_keepalive": True})
    assert probed not in (quiet.socket_options or ())


def test_two_connections_have_nothing_in_common():
    eu, us = (configuration({"kube_config": TWO, "cluster_context": name}) for name in ("eu", "us"))
    us.verify_ssl = False
    assert (eu.host, us.host, eu.verify_ssl) == ("https://eu.test", "https://us.test", True)
