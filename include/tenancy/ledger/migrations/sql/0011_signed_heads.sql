-- Signed heads: what a tenant's newest fact was, signed with a key that the database does not have.

create table signed_head (
    id        bigint      primary key check (id >= 1),  -- without gaps; each signature covers the one before
    stream    uuid        not null,                     -- the tenant
    seq       bigint      not null check (seq >= 1),    -- its newest fact at that moment
    hash      text        not null,                     -- of that fact: it covers all facts before
    at        timestamptz not null,
    kid       text        not null,                     -- which key of tenancy_credentials signed it
    signature text        not null check (signature ~ '^[0-9a-f]{64}$')
);
comment on table signed_head is 'Append-only. Written by tenant_reality_check, which also writes the last one to its log.';
create index signed_head_of_stream on signed_head (stream, seq desc);

create trigger signed_head_is_append_only before update or delete on signed_head
    for each row execute function refuse_change();
create trigger signed_head_is_never_truncated before truncate on signed_head
    for each statement execute function refuse_change();
