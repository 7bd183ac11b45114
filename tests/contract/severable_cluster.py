"""A cluster whose connection can be cut after any request or Helm call: the call arrives, its answer is lost."""

from typing import Any

from tenancy.adapters.cluster import Cluster
from tenancy.adapters.helm import Helm
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.saga.errors import TransientError
from tests.clusters import kubernetes_and_helm
from tests.conformance.server import Server
from tests.contract.connection_cuts import LineCutter


class SeverableCluster(Cluster):
    """The real adapter, until its `cutter` cuts it off."""

    def __init__(self, server: Server) -> None:
        self.cutter: LineCutter | None = None
        api, helm = kubernetes_and_helm(server)
        super().__init__(_Api(api, self), _Helm(helm, self))

    def call(self, function: Any, *arguments: Any, **named: Any) -> Any:
        if self.cutter is not None and self.cutter.cut:
            raise TransientError("The cluster does not respond.")
        answer = function(*arguments, **named)
        if self.cutter is not None and self.cutter.count():
            raise TransientError("The cluster hung up.")
        return answer


class _Api(KubernetesApi):
    def __init__(self, api: KubernetesApi, owner: SeverableCluster) -> None:
        super().__init__(api.configuration, api.label)
        self._owner = owner

    def _call(self, *arguments: Any, **named: Any) -> Any:
        return self._owner.call(super()._call, *arguments, **named)


class _Helm(Helm):
    def __init__(self, helm: Helm, owner: SeverableCluster) -> None:
        super().__init__(helm._kubeconfig, helm._label, deadline=helm._deadline)
        self._owner = owner

    def _ask(self, verb: str, *arguments: Any, **named: Any) -> Any:
        if verb == "render":  # reaches nothing outside
            return super()._ask(verb, *arguments, **named)
        return self._owner.call(super()._ask, verb, *arguments, **named)
