-- Reality checks: where the ledger and the world do not say the same.

create table finding (
    id           bigint generated always as identity primary key,
    what         text        not null check (what in (
        'orphan',   -- exists outside, and no live intent names it
        'missing',  -- an Active tenant's resource that does not exist
        'drift'     -- a row of the ledger is not what its facts fold to
    )),
    kind         text        not null,  -- a resource's kind, or tenant
    name         text        not null,
    region       text        not null,  -- '' where no region has its own
    tenant_id    uuid,                  -- as its mark says; the ledger may not know that tenant
    said         text        not null,  -- what is so and what to do, in a few sentences
    opened_at    timestamptz not null,
    confirmed_at timestamptz not null check (confirmed_at >= opened_at),
    gone_at      timestamptz            -- null while it is so
);
comment on table finding is 'What tenant_reality_check found, each once while it lasts. Written by its passes only.';
create unique index one_open_finding on finding (what, kind, name, region) where gone_at is null;
create index finding_of_tenant on finding (tenant_id) where gone_at is null;
