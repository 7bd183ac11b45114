-- Facts: the ledger itself. Loaded by tenancy/ledger/queries/__init__.py, as all files of this folder.

-- name: version
-- The ledger's schema revision.
select version_num from ledger.alembic_version;

-- name: facts_after
-- The facts of a stream behind a seq, in order.
select stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash
  from ledger.fact where stream = %(stream)s and seq > %(seq)s order by seq;

-- name: last_fact
-- The newest fact of a stream.
select seq, hash from ledger.fact where stream = %(stream)s order by seq desc limit 1;

-- name: insert_fact
-- Append a fact. The primary key refuses the same seq from a second writer.
insert into ledger.fact (stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash)
values (%(stream)s, %(seq)s, %(kind)s, %(attempt)s, %(lease)s, %(actor)s, %(reason)s, %(at)s, %(data)s,
        %(prev_hash)s, %(hash)s);

-- name: lock_admission
-- Requests are admitted one at a time: two cannot take the last free place together.
select pg_advisory_xact_lock(7236832);

-- name: lock_notices
-- Writers of notices in one stream queue here.
select pg_advisory_xact_lock(7236833, hashtext(%(stream)s::text));

-- name: can_rewrite_facts
-- Can our role change or delete facts, as the owner of their table or by a right of its own?
select pg_has_role(c.relowner, 'MEMBER') or has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') as allowed
  from pg_class as c where c.oid = 'ledger.fact'::regclass;

-- name: refusal_of_run
-- The message with which a run was refused, among the last 2,000 refusals.
select message
  from (select data ->> 'run_id' as run_id, data ->> 'message' as message, at from ledger.fact
         where kind = 'tenant.provisioning.refused' order by at desc limit 2000) as refused
 where run_id = %(run_id)s order by at desc limit 1;

-- name: facts_page
-- The facts of a stream as they are stored, behind a seq, with a limit.
select seq, at, kind, attempt, actor, reason, lease, data
  from ledger.fact where stream = %(stream)s and seq > %(seq)s order by seq limit %(limit)s;

-- name: newest_notes
-- What people noted about a tenant, newest first.
select seq, at, actor, data ->> 'text' as text
  from ledger.fact where stream = %(stream)s and kind = 'tenant.note.added' order by seq desc limit %(limit)s;

-- name: newest_seq
-- Where the stream of a tenant ends, according to its row.
select seq from ledger.tenant where id = %(stream)s;

-- name: snapshot
-- All reads in this transaction see the same moment.
set transaction isolation level repeatable read, read only;

-- name: recorded_engine
-- The workflow engine by its newest fact; without one, the system of the newest connection.
with recorded as (
    select data ->> 'system' as system from ledger.fact where kind = 'tenant.engine.recorded' order by seq desc limit 1
)
select coalesce(
           (select system from recorded),
           (select system from ledger.resource where starts_with(system, 'airflow:') order by updated_at desc limit 1),
           '') as system,
       exists (select from recorded) as by_fact;
