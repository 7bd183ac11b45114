"""Long lists in pages: `limit` and `continue`.

A token names the start of the next page, not a snapshot: objects that appear or disappear between two pages may be
missed or seen, each object at most once. The real server's snapshot needs an old version of everything, and no client
of ours relies on it.
"""

import base64
from dataclasses import dataclass

from cluster_emulator import api_errors
from cluster_emulator.objects import Object, decode, encode
from cluster_emulator.store import Record


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page, and its list's metadata about the rest."""

    records: list[Record]
    metadata: Object


def paginate(records: list[Record], version: int, limit: int, token: str, behind: Record | None = None) -> ListPage:
    """`records` in the store's order; 400 for a token that is not ours.

    `behind` is the last of all records if a selector chose `records`. As in the real server, a full page has `continue`
    as long as anything follows it, chosen or not: the next page may be empty.
    """
    if token:
        start = _start(token)
        records = [record for record in records if _place(record) >= start]
    metadata: Object = {"resourceVersion": str(version)}
    if limit and len(records) > limit:
        metadata["continue"] = _token(records[limit], version)
        if behind is None:
            metadata["remainingItemCount"] = len(records) - limit
        records = records[:limit]
    elif limit and len(records) == limit and behind is not None and _place(records[-1]) < _place(behind):
        metadata["continue"] = _token(behind, version)
    return ListPage(records, metadata)


def _place(record: Record) -> tuple[str, str]:
    return record.key.namespace, record.key.name


def _token(first: Record, version: int) -> str:
    body = {"v": "meta.k8s.io/v1", "rv": version, "start": _place(first)}
    return base64.urlsafe_b64encode(encode(body)).decode()


def _start(token: str) -> tuple[str, str]:
    try:
        namespace, name = decode(base64.urlsafe_b64decode(token))["start"]
    except (ValueError, KeyError, TypeError) as error:
        raise api_errors.bad_request(f"continue key is not valid: {token}") from error
    return namespace, name
