-- The whole ledger for the drift check: rows beside facts, and signed heads.

-- name: tenant_seqs
-- Where each stream ends. A tenant with the same seq before and after did not change in between.
select id, seq from ledger.tenant;

-- name: live_resources
-- All resources that may exist outside, according to the ledger.
select r.kind, r.name, r.tenant_id, t.slug, t.region, t.state = 'Active' as active, r.kid, r.credential_generation,
       r.system
  from ledger.resource as r join ledger.tenant as t on t.id = r.tenant_id where r.state <> 'released';

-- name: streams
-- Every tenant that has a row, facts, or a signed head.
select id from ledger.tenant
 union select stream from ledger.fact where kind = 'tenant.provisioning.requested'
 union select stream from ledger.signed_head;

-- name: tenant_rows
-- The rows of these tenants, with the column names of projection.py.
select id, slug, name, plan, region, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, held, held_by, history_cleared, stall, stall_activity, stall_cause, stall_said, escalated, escalation_sent,
       failures, failure_cause, repeats, failure_activity, failure_said, schema_version, chart_version,
       activity_cause, activity_said, cancelled, past_no_return, product, updated_at as at
  from ledger.tenant where id = any(%(ids)s);

-- name: run_rows
-- Which Airflow run each attempt of these tenants runs in.
select tenant_id, run_id, attempt from ledger.run where tenant_id = any(%(ids)s);

-- name: resource_rows
-- The rows of these tenants' resources, likewise.
select tenant_id, kind, name, proof, activity, state::text, position, kid, credential_generation,
       system, region, connection
  from ledger.resource where tenant_id = any(%(ids)s);

-- name: facts_of
-- The facts of these streams, each stream in order.
select stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash
  from ledger.fact where stream = any(%(ids)s) order by stream, seq;

-- name: heads_of
-- The newest signed head of each of these streams.
select distinct on (stream) stream, seq, hash from ledger.signed_head
 where stream = any(%(ids)s) order by stream, seq desc;

-- name: signed_heads
-- Signed heads in order, behind an id.
select id, stream, seq, hash, at, kid, signature from ledger.signed_head
 where id > %(after)s order by id limit %(limit)s;

-- name: last_signed_head
-- The newest signed head.
select id, stream, seq, hash, at, kid, signature from ledger.signed_head order by id desc limit 1;

-- name: insert_signed_head
-- Append a signed head. Nothing happens when another pass has stored one with this id.
insert into ledger.signed_head (id, stream, seq, hash, at, kid, signature)
values (%(id)s, %(stream)s, %(seq)s, %(hash)s, %(at)s, %(kid)s, %(signature)s)
    on conflict (id) do nothing returning id;
