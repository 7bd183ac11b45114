-- Recovery: what the listener leaves for the reconciler, the reconciler's pulse, answers already given.

create table poke (
    id         bigint generated always as identity primary key,
    run_id     text        not null,  -- an Airflow run that somebody or something ended
    action     text        not null check (action = 'mark run failed'),
    at         timestamptz not null default clock_timestamp(),
    handled_at timestamptz             -- null until the reconciler has looked
);
comment on table poke is 'One short insert by Airflow''s listener: look at this run. What it means is decided later.';
create index poke_not_handled on poke (id) where handled_at is null;

create function ring_poke() returns trigger language plpgsql as $$
begin
    perform pg_notify('tenancy_poke', new.run_id);
    return null;
end $$;
create trigger poke_rings after insert on poke for each row execute function ring_poke();

create table beat (
    name         text             primary key,  -- reconciliation, reality check
    at           timestamptz      not null,     -- when its last pass ended
    took_seconds double precision not null,
    summary      text             not null      -- what it did, in one sentence
);
comment on table beat is 'The last pass of each reconciler; the console says so when one is late.';

create table answer (
    actor      text        not null,
    key        text        not null,  -- the caller's Idempotency-Key
    request    text        not null,  -- SHA-256 of method, path and body: the same key for another request is refused
    status     integer,               -- null while the first request is still at work
    body       jsonb,
    at         timestamptz not null default clock_timestamp(),
    primary key (actor, key)
);
comment on table answer is 'Answers to requests that carried an idempotency key, so that a repeated one changes nothing.';
create index answer_by_time on answer (at);

create index tenant_by_creation on tenant (created_at desc, id desc);

alter table tenant
    add column held            text    not null default '',    -- why its run does not go on, when not by its own fault
    add column history_cleared boolean not null default true;  -- false from a reset until Airflow's history is cleared
