"""What an API server's refusal means, by its Status document and by its words in Helm's text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.adapters.kubernetes_errors import ErrorMeaning, classify_status, classify_text
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

USER = "system:serviceaccount:tenancy:provisioner"
RIGHT = 'secrets is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {where}'


def refused(code: int, message: str, reason: str = "", **details: Any) -> ErrorMeaning:
    status = {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "details": details}
    return classify_status(code, status | {"code": code})


def right(verb: str = "get", resource: str = "resourcequotas", group: str = "", where: str = "") -> str:
    return RIGHT.format(user=USER, verb=verb, resource=resource, group=group, where=where or 'in the namespace "acme"')


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"])
@pytest.mark.parametrize(
    ("resource", "group"),
    [
        ("resourcequotas", ""),
        ("deployments", "apps"),
        ("ingresses", "networking.k8s.io"),
        ("deployments/scale", "apps"),
    ],
)
@pytest.mark.parametrize("where", ['in the namespace "quota-timeout"', "at the cluster scope"])
def test_a_missing_right_names_verb_resource_and_account_and_is_the_platforms(
    verb: str, resource: str, group: str, where: str
):
    message = right(verb, resource, group, where)
    for judgement in (refused(403, message, "Forbidden"), classify_text(f"create: failed to create: {message}")):
        assert (judgement.error, judgement.cause) == (PlatformError, Cause.CLUSTER_RIGHTS)
        assert f"{USER} may not {verb} {resource}" in judgement.sentence


def test_an_authorizers_own_words_behind_a_missing_right_change_nothing():
    message = right() + ": exceeded quota: failed calling webhook: EOF"
    assert refused(403, message, "Forbidden").cause is Cause.CLUSTER_RIGHTS


def test_an_anonymous_user_is_a_matter_of_credentials():
    message = right().replace(USER, "system:anonymous")
    assert refused(403, message, "Forbidden").cause is Cause.CLUSTER_CREDENTIALS
    assert refused(401, "Unauthorized", "Unauthorized").error is PlatformError


def test_a_namespace_that_ends_is_reported_by_its_structured_cause():
    causes = [{"reason": "NamespaceTerminating", "message": "namespace a is being terminated"}]
    judgement = refused(403, "any words", "Forbidden", causes=causes)
    assert (judgement.error, judgement.cause) == (TransientError, Cause.CLUSTER_ENDING)


FORBIDDEN = 'deployments.apps "{name}" is forbidden: {text}'
PLUGIN = FORBIDDEN.replace("{text}", "a plug-in of ours says: {text}")
POLICY = "ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: {text}"
WEBHOOK = 'admission webhook "{name}" denied the request: {text}'
INVALID = 'Ingress.networking.k8s.io "{name}" is invalid: spec.rules[0].host: Invalid value: "{name}": {text}'
OBJECT = "server-side apply failed for object {name}/{name} apps/v1, Kind=Deployment: "
CALL_FAILED = (
    'Internal error occurred: failed calling webhook "{name}": failed to call webhook: Post "https://{name}": '
)

WORDS = (
    "conflict",
    "timeout",
    "EOF",
    "quota",
    "forbidden",
    "exceeded quota: x",
    "connection refused",
    "unreachable",
    "being terminated",
    "try again",
    "another operation",
    "Internal error occurred",
    "context deadline exceeded",
    "failed calling webhook",
    "denied the request: x",
    "is forbidden: exceeded quota: x",
    f'User "{USER}" cannot get resource "x" in API group "" in the namespace "y"',
    "Unauthorized",
    "unable to create new content in namespace a because it is being terminated",
)
LABELS = ("conflict", "timeout", "eof", "quota", "forbidden", "dial-tcp", "reset", "internal-error", "unreachable")


def names() -> st.SearchStrategy[str]:
    """Names of tenants, policies and webhooks that are made of words which mean something elsewhere."""
    return st.lists(st.sampled_from(LABELS), min_size=1, max_size=3).map("-".join)


def texts() -> st.SearchStrategy[str]:
    """What a policy's author may write, in every position."""
    joiner = st.sampled_from([" ", ": ", "; ", "\n", ", "])
    parts = st.lists(st.sampled_from([*WORDS, "because", "we say so"]), min_size=1, max_size=4)
    return st.tuples(parts, joiner).map(lambda drawn: drawn[1].join(drawn[0]))


CASES = {
    PLUGIN: (PermanentError, Cause.CLUSTER_ADMISSION),
    FORBIDDEN.replace("{text}", POLICY): (PermanentError, Cause.CLUSTER_ADMISSION),
    WEBHOOK: (PermanentError, Cause.CLUSTER_ADMISSION),
    INVALID: (PermanentError, Cause.CLUSTER_REFUSES),
    FORBIDDEN.replace("{text}", "exceeded quota: {name}, requested: pods=1"): (PermanentError, Cause.CLUSTER_QUOTA),
    CALL_FAILED + "dial tcp 10.0.0.1:443: connect: connection refused": (TransientError, Cause.CLUSTER_WEBHOOK),
    CALL_FAILED + "context deadline exceeded": (TransientError, Cause.CLUSTER_WEBHOOK),
    'Operation cannot be fulfilled on deployments.apps "{name}": the object has been modified; please apply your '
    "changes to the latest version and try again": (TransientError, Cause.CLUSTER_REFUSES),
    'the namespace "{name}" has no release "{name}"': (PermanentError, Cause.CLUSTER_REFUSES),
}


@pytest.mark.parametrize("template", CASES)
@given(name=names(), text=texts())
def test_no_name_and_no_text_of_others_changes_a_verdict(template: str, name: str, text: str):
    message = template.format(name=name, text=text)
    for prefix in ("", "Error creating: ", OBJECT.format(name=name), f"unable to continue with {name}: "):
        judgement = classify_text(prefix + message)
        assert (judgement.error, judgement.cause) == CASES[template], prefix + message


@given(name=names(), text=texts())
def test_no_text_of_others_changes_what_a_status_document_says(name: str, text: str):
    denied = refused(403, PLUGIN.format(name=name, text=text), "Forbidden")
    webhook = refused(400, WEBHOOK.format(name=name, text=text), "BadRequest")
    invalid = refused(422, INVALID.format(name=name, text=text), "Invalid")
    assert denied.cause is webhook.cause is Cause.CLUSTER_ADMISSION
    assert {denied.error, webhook.error, invalid.error} == {PermanentError}
    assert invalid.cause is Cause.CLUSTER_REFUSES


NO_ANSWER = (
    'Get "https://10.0.0.1/version": dial tcp 10.0.0.1:443: connect: connection refused',
    "Kubernetes cluster unreachable: the server could not find the requested resource",
    'Kubernetes cluster unreachable: Get "https://a/version": tls: failed to verify certificate: x509: unknown',
    'kubernetes cluster unreachable: Get "https://a/version": EOF',
    'create: failed to create: Post "https://a/api/v1/namespaces/a/secrets": unexpected EOF',
    'Get "https://a": read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer',
    'Get "https://a": net/http: TLS handshake timeout',
    'Get "https://a": http2: client connection lost',
    'query: failed to query with labels: Get "https://a": dial tcp: lookup a.example on 10.0.0.1:53: no such host',
    'Post "https://a": write tcp 127.0.0.1:1->127.0.0.1:2: use of closed network connection',
)
BUSY = (
    "Internal error occurred: etcdserver: request timed out",
    'an error on the server ("<html>Bad Gateway</html>") has prevented the request from succeeding (get secrets)',
    "the server is currently unable to handle the request (get secrets)",
    "Timeout: request did not complete within the allotted timeout",
    "the server has received too many requests and has asked us to try again later (post secrets)",
    "another operation (install/upgrade/rollback) is in progress",
    "cannot reuse a name that is still in use",
    "client rate limiter Wait returned an error: context deadline exceeded",
    'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas',
)


@pytest.mark.parametrize("text", NO_ANSWER)
def test_a_cluster_that_does_not_answer_is_unreachable(text: str):
    judgement = classify_text(text)
    assert (judgement.error, judgement.cause) == (TransientError, Cause.CLUSTER_UNREACHABLE)


@pytest.mark.parametrize("text", BUSY)
def test_what_passes_is_worth_another_try(text: str):
    assert classify_text(text).error is TransientError


def test_credentials_that_helm_is_refused_with_are_not_called_unreachable():
    text = "Kubernetes cluster unreachable: the server has asked for the client to provide credentials"
    assert classify_text(text).cause is Cause.CLUSTER_CREDENTIALS


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (500, TransientError),
        (503, TransientError),
        (429, TransientError),
        (409, TransientError),
        (400, PermanentError),
        (403, PermanentError),
    ],
)
def test_an_answer_without_a_status_document_is_judged_by_its_code(code: int, error: type[Exception]):
    judgement = classify_status(code, {})
    assert (judgement.error, judgement.cause) == (error, Cause.CLUSTER_REFUSES)
