"""Slugs that no new tenant gets: names that DNS, mail, the web, Kubernetes or PostgreSQL give a meaning of their own.

A slug becomes a host name below the region's ingress domain, a namespace, a role and a database. A tenant that has one
of these from an earlier version keeps it: it is retried, recreated and decommissioned as any other.
"""

import re
from collections.abc import Mapping
from typing import Final

RESERVED: Final[Mapping[str, str]] = {
    # RFC 6761 and IANA's registry of special-use domain names; RFC 6762 appendix G; ICANN resolution 2024.07.29.06.
    "special-use domain names": "localhost localdomain local invalid example test onion alt arpa internal intranet "
    "private corp home lan broadcasthost",
    # Names that resolvers and clients resolve by themselves (RFC 3912 aside: WPAD, RFC 5214 ISATAP, RFC 1912 2.2).
    "DNS": "dns nameserver resolver root wpad isatap hostmaster",
    # RFC 2142; hosts that mail clients and servers look for by name (RFC 6186, RFC 8461, Autodiscover, Autoconfig).
    "mail": "mail email webmail mailer mailhost mta mta-sts smtp smtps imap imaps pop pop3 lists newsletter "
    "autoconfig autodiscover exchange postmaster mailer-daemon abuse noc security noreply no-reply info marketing "
    "sales support usenet news webmaster uucp ftp sftp",
    # Host names that a visitor takes for the provider's own: sign-in, payment, status, documentation.
    "web": "www web admin administrator api app apps auth oauth oidc saml sso login logout signin signup register "
    "account accounts billing payment payments checkout console dashboard portal status static assets cdn media images "
    "img css docs help blog forum community download downloads health healthz metrics well-known robots favicon "
    "staging production prod dev system proxy gateway vpn",
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ (initial namespaces), cluster DNS.
    "Kubernetes": "default kube kubernetes kube-system kube-public kube-node-lease cluster cluster-local svc pod node "
    "nodes ingress ingress-nginx",
    # https://www.postgresql.org/docs/18/manage-ag-templatedbs.html, predefined roles and schemas.
    "PostgreSQL": "postgres postgresql template0 template1 public information-schema pg-catalog pg-toast",
    # This product and what it runs on.
    "this platform": "airflow helm platform sandbox tenancy tenant tenants",
}
"""What it is reserved for -> the slugs, with their sources."""
PREFIXES: Final[Mapping[str, str]] = {
    "kube-": "Kubernetes",  # "Avoid creating namespaces with the prefix kube-, it is reserved for Kubernetes"
    "pg-": "PostgreSQL",  # CREATE ROLE: names that begin with pg_ are reserved (42939), and a slug's - becomes _
}
_NUMBERED: Final = re.compile(r"(?P<word>www|ns|dns|mx|mail|smtp|imap|pop|web|template)-?\d+")
"""The second of a kind, such as ns1 or www2."""
_BY_SLUG: Final = {slug: meaning for meaning, slugs in RESERVED.items() for slug in slugs.split()}
RESERVED_SLUGS: Final = frozenset(_BY_SLUG)


def reserved_for(slug: str) -> str:
    """What has this name to itself, such as "mail"; empty when a tenant may have it."""
    if slug in _BY_SLUG:
        return _BY_SLUG[slug]
    prefix = next((meaning for prefix, meaning in PREFIXES.items() if slug.startswith(prefix)), "")
    return prefix or ("DNS, mail and the web" if _NUMBERED.fullmatch(slug) else "")
