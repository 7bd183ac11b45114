"""Renders templates into answers: everything escaped, a strict Content-Security-Policy, an ETag, private caches."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import Response

from tenancy.activities.registry import label_of
from tenancy.console.pages import assets, forms, words

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",  # the browser may keep it, and must ask before it shows it again
    "Vary": "Cookie, Authorization",
    "X-Tenancy-Console": "1",  # connection.js shows no other answer
}


def page_response(request: Request, template: str, status: int = 200, /, **variables: Any) -> Response:
    """The template as an answer to this request; 304 when the browser has this version."""
    html = render(request, template, variables)
    tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:20]}"'
    headers = {**HEADERS, "ETag": tag}
    if status == 200 and has_current_version(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(html, status, headers, "text/html; charset=utf-8")


def uncached_response(request: Request, template: str, /, **variables: Any) -> Response:
    """The template as an answer that neither a browser nor a cache keeps, not even as an ETag."""
    headers = {**HEADERS, "Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(render(request, template, variables), 200, headers, "text/html; charset=utf-8")


def render(request: Request, template: str, variables: Mapping[str, Any]) -> str:
    """The template as text."""
    return _environment().get_template(template).render(root=root_of(request), airflow=airflow_of(request), **variables)


def root_of(request: Request) -> str:
    """Where the console is mounted, with a slash at its end: Airflow may be served below a prefix."""
    return f"{request.scope.get('root_path', '')}/"


def airflow_of(request: Request) -> str:
    """Where Airflow's own UI is, with a slash at its end."""
    return root_of(request).removesuffix("tenancy/")


def has_current_version(request: Request, tag: str) -> bool:
    """Does the browser have this version?"""
    known = (each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(","))
    return tag in known


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["asset"] = assets.address
    environment.globals["as_text"] = forms.as_text
    environment.globals["label_of"] = label_of
    environment.filters.update(
        moment=words.moment, stamp=words.stamp, duration=words.duration, countdown=words.countdown
    )
    return environment
