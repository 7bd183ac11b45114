"""Names of what is made for a tenant: well-formed slugs, and object names within every system's limit."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.saga.names import (
    CONNECTION_LIMIT,
    PLATFORM_STREAM,
    POSTGRES_LIMIT,
    SLUG_PATTERN,
    TenantId,
    is_slug,
    lock_key,
    object_name,
    proof_of,
    short_id,
)
from tenancy.saga.reserved_slugs import PREFIXES, RESERVED, RESERVED_SLUGS, reserved_for

HELM_LIMIT = 53
LABEL_LIMIT = 63
SLUGS = st.from_regex(r"\A[a-z][a-z0-9-]{1,38}[a-z0-9]\Z").filter(is_slug)
TENANT_IDS = st.uuids().map(TenantId)


@pytest.mark.parametrize("slug", ["abc", "acme", "acme-2", "a1b", "x" * 40, "a-b-c", "sandbox-eu"])
def test_a_slug_is_three_to_forty_small_letters_digits_and_single_hyphens(slug: str) -> None:
    assert is_slug(slug)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "x" * 41,
        "Acme",
        "1acme",
        "-acme",
        "acme-",
        "ac--me",
        "ac me",
        "ac_me",
        "ac.me",
        "acme\n",
        "\nacme",
        "acme\r\n",
        "acme\x00",
        "acmé",
        "аcme",  # noqa: RUF001 - a Cyrillic a is the point
        "ａcme",  # noqa: RUF001 - so is a full-width one
        "acme٣",
        "acme²",
        "acmeK",
        "ﬁrma",
    ],
)
def test_anything_else_is_no_slug(text: str) -> None:
    assert not is_slug(text)


@given(st.text(max_size=45))
def test_whatever_passes_as_a_slug_is_a_dns_label(text: str) -> None:
    if is_slug(text):
        assert re.fullmatch("[a-z]([a-z0-9]|-(?=[a-z0-9])){1,38}[a-z0-9]", text, re.ASCII)


@given(SLUGS, st.text(alphabet=st.characters(exclude_characters="abcdefghijklmnopqrstuvwxyz0123456789-"), min_size=1))
def test_a_slug_with_anything_foreign_at_its_end_is_no_slug(slug: str, tail: str) -> None:
    assert not is_slug(slug + tail)
    assert not is_slug(tail + slug)


@given(SLUGS)
def test_the_published_pattern_agrees_with_the_guard(slug: str) -> None:
    assert re.search(SLUG_PATTERN, slug)


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_every_reserved_word_would_otherwise_be_a_slug(slug: str) -> None:
    assert is_slug(slug)


@given(SLUGS, TENANT_IDS)
def test_a_database_name_needs_no_quotes_and_fits(slug: str, tenant_id: TenantId) -> None:
    name = object_name(slug, tenant_id, limit=POSTGRES_LIMIT)
    assert re.fullmatch("[a-z][a-z0-9_]*", name)
    assert len(name.encode()) <= POSTGRES_LIMIT


@given(SLUGS, TENANT_IDS, st.sampled_from([HELM_LIMIT, LABEL_LIMIT]))
def test_a_cluster_name_is_a_dns_label_and_fits(slug: str, tenant_id: TenantId, limit: int) -> None:
    name = object_name(slug, tenant_id, limit=limit, separator="-")
    assert re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= limit


@given(SLUGS, TENANT_IDS, st.integers(min_value=16, max_value=CONNECTION_LIMIT), st.sampled_from("_-"))
def test_a_name_fits_any_limit_and_keeps_its_short_id(
    slug: str, tenant_id: TenantId, limit: int, separator: str
) -> None:
    name = object_name(slug, tenant_id, limit=limit, separator=separator)
    assert len(name) <= limit
    assert name.endswith(separator + short_id(tenant_id))
    assert separator * 2 not in name
    assert name[0] == slug[0]


@given(SLUGS, TENANT_IDS, TENANT_IDS)
def test_a_recreated_slug_never_shares_a_name_with_its_predecessor(slug: str, old: TenantId, new: TenantId) -> None:
    if short_id(old) != short_id(new):
        assert object_name(slug, old, limit=POSTGRES_LIMIT) != object_name(slug, new, limit=POSTGRES_LIMIT)


def test_a_long_slug_is_cut_and_leaves_no_hyphen_at_the_cut() -> None:
    tenant_id = TenantId(UUID("018f0000-0000-7000-8000-0123456789ab"))
    assert object_name("abcd-efgh", tenant_id, limit=16, separator="-") == "abcd-23456789ab"
    assert object_name("abcd-efgh", tenant_id, limit=63) == "abcd_efgh_23456789ab"


@given(TENANT_IDS)
def test_a_lock_key_is_a_signed_64_bit_number(tenant_id: TenantId) -> None:
    assert -(2**63) <= lock_key(tenant_id) < 2**63
    assert lock_key(tenant_id) == lock_key(TenantId(UUID(str(tenant_id))))


@pytest.mark.parametrize("last", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_lock_key_stays_in_range_at_the_edges(last: int) -> None:
    assert -(2**63) <= lock_key(TenantId(UUID(int=last))) < 2**63


def test_the_platform_stream_is_no_tenant() -> None:
    assert PLATFORM_STREAM.int == 0
    assert lock_key(PLATFORM_STREAM) == 0


@given(TENANT_IDS, TENANT_IDS)
def test_a_proof_distinguishes_platforms_and_tenants(one: TenantId, other: TenantId) -> None:
    assert proof_of("eu", one) != proof_of("us", one)
    assert (proof_of("eu", one) == proof_of("eu", other)) is (one == other)


@pytest.mark.parametrize("slug", "localhost mail kube-system template0 internal autodiscover mta-sts".split())
def test_a_name_that_a_system_gives_a_meaning_is_reserved(slug: str) -> None:
    assert reserved_for(slug)


@pytest.mark.parametrize("slug", ["kube-proxy", "pg-stat", "www2", "ns1", "mail-3", "template7"])
def test_so_is_what_only_begins_like_one_where_the_system_says_so(slug: str) -> None:
    assert reserved_for(slug)


@pytest.mark.parametrize("slug", "acme mailchimp kubert pgadmins www-acme template namesake globex2".split())
def test_what_merely_resembles_one_is_free(slug: str) -> None:
    assert not reserved_for(slug)


def test_a_role_of_postgresql_never_begins_as_its_own_do() -> None:
    """CREATE ROLE refuses names that begin with pg_ (42939), and a slug's hyphens become underscores."""
    assert reserved_for("pg-acme")
    assert not reserved_for("pgacme")


def test_no_slug_is_reserved_twice() -> None:
    slugs = [slug for words in RESERVED.values() for slug in words.split()]
    assert len(slugs) == len(set(slugs)) == len(RESERVED_SLUGS)
    assert all(not is_slug(prefix) for prefix in PREFIXES)
