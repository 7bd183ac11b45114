"""Who am I and what may I do: the self reviews of the authentication and authorization groups.

One token, one user, everything allowed but what a fault takes away (`rights.py`).
"""

from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.discovery import REVIEWS, VERBS
from cluster_emulator.objects import Object
from cluster_emulator.rights import USER, Rights

_USER: Final = {"username": USER, "groups": ["system:masters", "system:authenticated"]}
_STATUS: Final[dict[str, Object]] = {
    "SelfSubjectRulesReview": {
        "resourceRules": [{"verbs": ["*", *VERBS], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    },
    "SelfSubjectReview": {"userInfo": _USER},
}


def is_review(group: str) -> bool:
    return group in REVIEWS


def answer(group: str, plural: str, body: Object, rights: Rights) -> Object:
    """The review with its status filled in."""
    for kind in REVIEWS[group]:
        if plural == f"{kind.lower()}s":
            asked = {"metadata": {}, "spec": {}, **body}
            status = _STATUS.get(kind) or rights.answers(asked)
            return {**asked, "apiVersion": f"{group}/v1", "kind": kind, "status": status}
    raise api_errors.no_such_resource()
