"""Who am I and what may I do: the self reviews of the authentication and authorization groups.

One token, one user, everything allowed: the sandbox has no RBAC. A client that asks first gets a truthful yes.
"""

from typing import Final

from sandbox.cluster import problems
from sandbox.cluster.discovery import REVIEWS, VERBS
from sandbox.cluster.objects import Object

_USER: Final = {"username": "sandbox-admin", "groups": ["system:masters", "system:authenticated"]}
_STATUS: Final[dict[str, Object]] = {
    "SelfSubjectAccessReview": {"allowed": True, "reason": "the sandbox's token may do everything"},
    "SelfSubjectRulesReview": {
        "resourceRules": [{"verbs": ["*", *VERBS], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    },
    "SelfSubjectReview": {"userInfo": _USER},
}


def is_review(group: str) -> bool:
    return group in REVIEWS


def answer(group: str, plural: str, body: Object) -> Object:
    """The review with its status filled in."""
    for kind in REVIEWS[group]:
        if plural == f"{kind.lower()}s":
            asked = {"metadata": {}, "spec": {}, **body}
            return {**asked, "apiVersion": f"{group}/v1", "kind": kind, "status": _STATUS[kind]}
    raise problems.no_such_resource()
