-- Projections: rows that follow from facts. Written in the transaction of the facts.

-- name: upsert_tenant
-- Write a tenant's row as its facts fold now. The times show when a value changed last, so unchanged values keep theirs.
insert into ledger.tenant as t (id, slug, name, plan, region, admin_email, state, substate, attempt, generation, run_id,
                                activity, activity_since, seq, predecessor, held, held_by, history_cleared,
                                stall, stall_activity, stall_cause, stall_said, escalated, escalation_sent, cancelled, past_no_return,
                                activity_cause, activity_said, activity_cause_at, held_at, stall_at,
                                failures, failure_cause, repeats, failure_activity, failure_said, failed_at,
                                schema_version, chart_version, product, created_at, state_since, updated_at)
values (%(id)s, %(slug)s, %(name)s, %(plan)s, %(region)s, %(admin_email)s, %(state)s, %(substate)s, %(attempt)s,
        %(generation)s, %(run_id)s, %(activity)s, case when %(activity)s::text is not null then %(at)s::timestamptz end,
        %(seq)s, %(predecessor)s, %(held)s, %(held_by)s, %(history_cleared)s,
        %(stall)s, %(stall_activity)s, %(stall_cause)s, %(stall_said)s, %(escalated)s, %(escalation_sent)s, %(cancelled)s,
        %(past_no_return)s,
        %(activity_cause)s, %(activity_said)s, case when %(activity_cause)s::text is not null then %(at)s::timestamptz end,
        case when %(held_by)s::text is not null then %(at)s::timestamptz end,
        case when %(stall)s::text is not null then %(at)s::timestamptz end,
        %(failures)s, %(failure_cause)s, %(repeats)s, %(failure_activity)s, %(failure_said)s,
        case when %(failures)s > 0 then %(at)s::timestamptz end, %(schema_version)s, %(chart_version)s,
        %(product)s, %(at)s, %(at)s, %(at)s)
on conflict (id) do update set
    slug = excluded.slug, name = excluded.name, plan = excluded.plan, region = excluded.region,
    admin_email = excluded.admin_email, attempt = excluded.attempt, generation = excluded.generation,
    run_id = excluded.run_id, activity = excluded.activity, seq = excluded.seq, updated_at = excluded.updated_at,
    held = excluded.held, held_by = excluded.held_by, history_cleared = excluded.history_cleared,
    stall = excluded.stall, stall_activity = excluded.stall_activity, stall_cause = excluded.stall_cause,
    stall_said = excluded.stall_said, escalated = excluded.escalated, escalation_sent = excluded.escalation_sent, cancelled = excluded.cancelled,
    past_no_return = excluded.past_no_return,
    activity_cause = excluded.activity_cause, activity_said = excluded.activity_said,
    activity_cause_at = case when (t.activity, t.attempt, t.activity_cause)
                                  is distinct from (excluded.activity, excluded.attempt, excluded.activity_cause)
                             then excluded.activity_cause_at else t.activity_cause_at end,
    held_at = case when (t.held, t.held_by) is distinct from (excluded.held, excluded.held_by)
                   then excluded.held_at else t.held_at end,
    stall_at = case when (t.stall, t.stall_activity, t.stall_cause, t.stall_said) is distinct from
                         (excluded.stall, excluded.stall_activity, excluded.stall_cause, excluded.stall_said)
                    then excluded.stall_at else t.stall_at end,
    failures = excluded.failures, failure_cause = excluded.failure_cause, repeats = excluded.repeats,
    failure_activity = excluded.failure_activity, failure_said = excluded.failure_said,
    failed_at = case when excluded.failures > t.failures then excluded.updated_at else t.failed_at end,
    schema_version = excluded.schema_version, chart_version = excluded.chart_version, product = excluded.product,
    activity_since = case when (t.activity, t.attempt) is distinct from (excluded.activity, excluded.attempt)
                          then excluded.activity_since else t.activity_since end,
    turn_since = case when t.held_by in ('engine.paused', 'engine.queue') and excluded.held_by is distinct from t.held_by
                      then excluded.updated_at else t.turn_since end,
    state_since = case when (t.state, t.substate) is distinct from (excluded.state, excluded.substate)
                       then excluded.updated_at else t.state_since end,
    state = excluded.state, substate = excluded.substate;

-- name: upsert_resource
-- Write a resource as the facts fold now.
insert into ledger.resource (tenant_id, kind, name, proof, activity, state, position, kid, credential_generation,
                             system, region, connection, updated_at)
values (%(tenant_id)s, %(kind)s, %(name)s, %(proof)s, %(activity)s, %(state)s, %(position)s, %(kid)s,
        %(credential_generation)s, %(system)s, %(region)s, %(connection)s, %(at)s)
on conflict (tenant_id, kind, name) do update set
    proof = excluded.proof, activity = excluded.activity, state = excluded.state, position = excluded.position,
    kid = excluded.kid, credential_generation = excluded.credential_generation,
    system = excluded.system, region = excluded.region, connection = excluded.connection,
    updated_at = excluded.updated_at;

-- name: upsert_run
-- Record which Airflow run an attempt runs in.
insert into ledger.run (run_id, tenant_id, attempt) values (%(run_id)s, %(tenant_id)s, %(attempt)s)
on conflict (tenant_id, attempt) do nothing;
