-- Classes of stall: several tenants that do not get on for one cause, each class once while it lasts.

alter table tenant
    add column failure_activity text,                    -- at which the last attempt failed
    add column failure_said     text not null default '',
    add column failed_at        timestamptz,
    add column schema_version   text not null default '', -- those that the last attempt began with
    add column chart_version    text not null default '';

-- Rows from before: what their facts fold to.
update tenant as t
   set failure_activity = f.data ->> 'activity', failure_said = f.data ->> 'message', failed_at = f.at
  from (select distinct on (stream) stream, data, at from fact
         where kind = 'tenant.provisioning.failed' order by stream, seq desc) as f
 where f.stream = t.id;
update tenant as t set schema_version = f.data ->> 'schema_version'
  from (select distinct on (stream) stream, data from fact
         where kind = 'tenant.provisioning.started' order by stream, seq desc) as f
 where f.stream = t.id;
create index tenant_failed_lately on tenant (failed_at)
 where failed_at is not null and state not in ('Active', 'Decommissioning', 'Decommissioned');

create table class_issue (
    id             bigint generated always as identity primary key,
    key            text        not null,  -- of its signature: the six columns that follow
    activity       text        not null,  -- '' for a stall that is no activity's
    cause          text        not null,
    error          text        not null,  -- numbers, ids and tenants' names apart
    region         text        not null,
    chart_version  text        not null,
    schema_version text        not null,
    said           text        not null,  -- to the newest of its tenants
    members        integer     not null check (members >= 0),
    first_at       timestamptz not null,
    last_at        timestamptz not null,
    opened_at      timestamptz not null,
    closed_at      timestamptz,           -- null while it is so
    constraint one_that_is_over_has_nobody check (closed_at is null or members = 0)
);
comment on table class_issue is 'Three or more tenants with one cause. Written by the reconciler only.';
create unique index one_open_class on class_issue (key) where closed_at is null;

create table class_member (
    class_id  bigint      not null references class_issue (id) on delete cascade,
    tenant_id uuid        not null,
    joined_at timestamptz not null,
    left_at   timestamptz,
    primary key (class_id, tenant_id)
);
create index class_of_tenant on class_member (tenant_id) where left_at is null;
