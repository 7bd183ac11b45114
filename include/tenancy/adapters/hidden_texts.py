"""Replaces secrets in texts for people: logs and errors. What programs read stays as it is. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

_SHORTEST_CUT: Final = 4
_LONGEST_CUT: Final = 300
"""Characters of a secret at the end of an excerpt, which is shorter."""


def hide(secrets: Iterable[str], text: str) -> str:
    """The text with *** for each secret: as it is, on one line, escaped as in JSON or in single quotes (as Helm's
    check of a schema has it), or cut off by the "…" of an excerpt."""
    forms = {form for secret in secrets if secret.strip() for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def _forms(secret: str) -> Iterator[str]:
    plain = (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    on_one_line = " ".join(secret.split())
    in_single_quotes = plain[2].replace('\\"', '"').replace("'", "\\'")
    for form in (*plain, on_one_line, in_single_quotes, *(repr(each)[1:-1] for each in plain)):
        yield form
        yield from (f"{form[:length]}…" for length in range(_SHORTEST_CUT, min(len(form), _LONGEST_CUT)))
