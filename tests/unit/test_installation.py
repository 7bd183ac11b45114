"""What the service `init` hands over to the workers."""

import json
from dataclasses import replace

from installation.compose import CLUSTER_URL, PLACES, kube_config
from installation.contents import ROLE_OF_USER, Passwords, metadata_contents

K3S = """
apiVersion: v1
clusters:
- cluster: {certificate-authority-data: QQ==, server: https://127.0.0.1:6443}
  name: default
current-context: default
users:
- {name: default, user: {client-certificate-data: QQ==, client-key-data: QQ==}}
"""


def test_the_cluster_is_entered_by_the_name_of_its_service():
    config = kube_config(K3S, CLUSTER_URL)
    assert config["clusters"][0]["cluster"] == {"certificate-authority-data": "QQ==", "server": "https://k3s:6443"}
    assert config["users"][0]["user"]["client-key-data"] == "QQ=="


def test_both_regions_clusters_are_given_it_with_their_connection():
    places = replace(PLACES, cluster={"kube_config": kube_config(K3S, CLUSTER_URL)})
    made = metadata_contents(places, Passwords("l", "s", "00", dict.fromkeys(ROLE_OF_USER, "p")))
    extras = [json.loads(each["extra"]) for each in made["connections"] if each["conn_type"] == "kubernetes"]
    assert [extra["kube_config"]["clusters"][0]["cluster"]["server"] for extra in extras] == [CLUSTER_URL] * 2
