-- The ledger. Facts are the truth; tenant, run and resource are projections written in the same transaction.

create type tenant_state as enum (
    'Provisioning',     -- an attempt runs
    'Cancelling',       -- compensations run because somebody asked
    'Failed',           -- see failed_substate
    'Active',           -- done
    'Decommissioning',  -- everything is being released for good
    'Decommissioned'    -- nothing left, slug free
);
create type failed_substate as enum (
    'unwinding',  -- compensations run -> settled or stuck
    'settled',    -- nothing left -> ready by Reset
    'ready',      -- Reset done -> Provisioning by Retry
    'retained',   -- only the flip failed, resources kept -> ready by Reset
    'stuck'       -- compensations ran out of retries -> Cancelling by Cancel
);
create type resource_state as enum (
    'intended',   -- committed before the effect: may exist
    'present',
    'releasing',
    'released'    -- gone
);

create table fact (
    stream    uuid        not null,  -- the tenant, or the nil UUID for facts without a tenant
    seq       bigint      not null check (seq >= 1),
    kind      text        not null check (kind ~ '^tenant\.[a-z_.]+$'),
    attempt   integer     not null check (attempt >= 0),
    lease     text        not null,  -- the Airflow task instance that acted, or ''
    actor     text        not null check (actor <> ''),
    reason    text        not null,
    at        timestamptz not null,
    data      jsonb       not null,
    prev_hash text        not null,
    hash      text        not null check (hash ~ '^[0-9a-f]{64}$'),
    primary key (stream, seq)
);
comment on table fact is 'Append-only. Each row''s hash covers its content and the hash before it.';
create index fact_by_time on fact (at);
create index fact_by_kind on fact (kind, at);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'facts are append-only: % of ledger.fact is refused', tg_op using errcode = 'restrict_violation';
end $$;
create trigger fact_is_append_only before update or delete on fact
    for each row execute function refuse_change();
create trigger fact_is_never_truncated before truncate on fact
    for each statement execute function refuse_change();

create function continue_chain() returns trigger language plpgsql as $$
declare
    before ledger.fact;
begin
    select * into before from ledger.fact where stream = new.stream and seq = new.seq - 1;
    if new.seq > 1 and before.seq is null then
        raise exception 'fact % of % has no predecessor', new.seq, new.stream using errcode = 'restrict_violation';
    end if;
    if new.prev_hash is distinct from coalesce(before.hash, '') then
        raise exception 'fact % of % breaks the hash chain', new.seq, new.stream using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger fact_continues_the_chain before insert on fact
    for each row execute function continue_chain();

create table tenant (
    id          uuid            primary key,
    slug        text            not null,
    name        text            not null,
    plan        text            not null,
    region      text            not null,
    admin_email text            not null,
    state       tenant_state    not null,
    substate    failed_substate,
    attempt     integer         not null check (attempt >= 1),
    generation  integer         not null check (generation >= 0),
    run_id      text            not null,
    activity    text,                      -- the first one that is not done
    seq         bigint          not null check (seq >= 1),
    predecessor uuid            references tenant (id),
    created_at  timestamptz     not null,
    state_since timestamptz     not null,
    updated_at  timestamptz     not null,
    constraint substate_goes_with_failed check ((state = 'Failed') = (substate is not null)),
    constraint active_has_nothing_to_do check (state <> 'Active' or activity is null)
);
comment on table tenant is 'A projection of the tenant''s facts. Do not edit: row <> fold(facts) is manual drift.';
create unique index one_live_tenant_a_slug on tenant (slug) where state <> 'Decommissioned';
create index tenant_by_state on tenant (state, substate, state_since);

create table run (
    run_id    text    not null,
    tenant_id uuid    not null references tenant (id),
    attempt   integer not null check (attempt >= 1),
    primary key (tenant_id, attempt)
);
comment on table run is 'Which Airflow run an attempt runs in; a cleared run may carry several attempts.';
create index run_by_id on run (run_id);

create table resource (
    tenant_id             uuid           not null references tenant (id),
    kind                  text           not null,
    name                  text           not null,
    proof                 text           not null check (proof <> ''),
    activity              text           not null,
    state                 resource_state not null,
    position              integer        not null,  -- order of intention; unwinding walks it backwards
    kid                   text,
    credential_generation integer,
    updated_at            timestamptz    not null,
    primary key (tenant_id, kind, name),
    constraint credential_is_whole check ((kid is null) = (credential_generation is null))
);
comment on table resource is 'What the tenant owns outside. A projection of its facts.';
create unique index one_owner_an_object on resource (kind, name) where state <> 'released';
