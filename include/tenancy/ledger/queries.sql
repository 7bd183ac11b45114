-- name: version
-- The ledger's schema revision.
select version_num from ledger.alembic_version;

-- name: facts_after
-- A stream's facts from a point on, in order.
select stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash
  from ledger.fact where stream = %(stream)s and seq > %(seq)s order by seq;

-- name: last_fact
-- Where a stream ends.
select seq, hash from ledger.fact where stream = %(stream)s order by seq desc limit 1;

-- name: insert_fact
-- One more fact; the primary key refuses a second writer's same seq.
insert into ledger.fact (stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash)
values (%(stream)s, %(seq)s, %(kind)s, %(attempt)s, %(lease)s, %(actor)s, %(reason)s, %(at)s, %(data)s,
        %(prev_hash)s, %(hash)s);

-- name: upsert_tenant
-- The tenant's row as its facts fold now.
insert into ledger.tenant as t (id, slug, name, plan, region, admin_email, state, substate, attempt, generation, run_id,
                                activity, activity_since, seq, predecessor, held, held_by, history_cleared,
                                stall, stall_activity, stall_cause, stall_said, escalated, escalation_sent, cancelled, past_no_return,
                                activity_cause, activity_said, activity_cause_at, held_at, stall_at,
                                failures, failure_cause, repeats, failure_activity, failure_said, failed_at,
                                schema_version, chart_version, created_at, state_since, updated_at)
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
        %(at)s, %(at)s, %(at)s)
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
    schema_version = excluded.schema_version, chart_version = excluded.chart_version,
    activity_since = case when (t.activity, t.attempt) is distinct from (excluded.activity, excluded.attempt)
                          then excluded.activity_since else t.activity_since end,
    turn_since = case when t.held_by in ('engine.paused', 'engine.queue') and excluded.held_by is distinct from t.held_by
                      then excluded.updated_at else t.turn_since end,
    state_since = case when (t.state, t.substate) is distinct from (excluded.state, excluded.substate)
                       then excluded.updated_at else t.state_since end,
    state = excluded.state, substate = excluded.substate;

-- name: upsert_resource
-- A resource as the facts fold now.
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
-- The run an attempt runs in.
insert into ledger.run (run_id, tenant_id, attempt) values (%(run_id)s, %(tenant_id)s, %(attempt)s)
on conflict (tenant_id, attempt) do nothing;

-- name: tenant_of_run
-- The tenant whose attempt ran, or runs, in this Airflow run.
select tenant_id from ledger.run where run_id = %(run_id)s order by attempt desc limit 1;

-- name: tenant_of_slug
-- The live tenant of this slug.
select id as tenant_id from ledger.tenant where slug = %(slug)s and state <> 'Decommissioned';

-- name: predecessor_of_slug
-- The last decommissioned tenant of this slug.
select id as tenant_id from ledger.tenant where slug = %(slug)s and state = 'Decommissioned'
 order by created_at desc limit 1;

-- name: load
-- How many tenants count against a region's capacity and a plan's quota.
select count(*) filter (where region = %(region)s) as region, count(*) filter (where plan = %(plan)s) as plan
  from ledger.tenant where state <> 'Decommissioned';

-- name: loads
-- The same for all regions and plans at once.
select region, plan, count(*) as tenants from ledger.tenant where state <> 'Decommissioned' group by region, plan;

-- name: lock_admission
-- Requests are admitted one by one, so that two never pass the last free place together.
select pg_advisory_xact_lock(7236832);

-- name: may_rewrite
-- Whether our role could change or remove facts, as the owner of their table or by a right of its own.
select pg_has_role(c.relowner, 'MEMBER') or has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') as allowed
  from pg_class as c where c.oid = 'ledger.fact'::regclass;

-- name: lock_notes
-- Who notes something in a stream waits for who is noting something there now.
select pg_advisory_xact_lock(7236833, hashtext(%(stream)s::text));

-- name: tenants
-- Tenants by what is asked for, newest first, from a point on.
-- By text as below; whoever knows that few fit it names them. What needs attention: all that
-- failed, or has a stall, and what is in between or provisions since before the given times.
-- The class of stall is looked up for those on the page only.
with page as materialized (
select id, slug, name, plan, region, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, created_at, state_since, needs_attention, held, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, escalated, escalation_sent, failures, failure_cause, repeats
  from ledger.tenant
 cross join lateral (
       select (state = 'Failed'
                 and not (cancelled and substate in ('settled', 'ready') and state_since >= %(untouched_before)s::timestamptz))
           or (state in ('Cancelling', 'Decommissioning') and state_since < %(in_between_before)s::timestamptz)
           or (state = 'Provisioning' and state_since < %(provisioning_before)s::timestamptz)
           or stall is not null
              as needs_attention
       ) as judged
 where (%(id)s::uuid is null or id = %(id)s)
   and (%(state)s::text is null or state = %(state)s::text::ledger.tenant_state)
   and (%(substate)s::text is null or substate = %(substate)s::text::ledger.failed_substate)
   and (%(region)s::text is null or region = %(region)s)
   and (%(plan)s::text is null or plan = %(plan)s)
   and (not %(attention)s or needs_attention)
   and (%(few)s::uuid[] is null or id = any(%(few)s::uuid[]))
   and (%(text)s::text is null
        or starts_with(slug, lower(%(text)s))
        or id between %(first_id)s::uuid and %(last_id)s::uuid
        or ledger.name_words(name) @@ ledger.words_begin(%(text)s))
   and (%(before_at)s::timestamptz is null or (created_at, id) < (%(before_at)s, %(before_id)s::uuid))
 order by created_at desc, id desc
 limit %(limit)s)
select page.*, belongs.class_issue, belongs.class_tenants from page
  left join lateral (
       select c.id as class_issue, c.members as class_tenants
         from ledger.class_member as m join ledger.class_issue as c on c.id = m.class_id
        where m.tenant_id = page.id and m.left_at is null and c.closed_at is null
        order by c.id desc limit 1) as belongs on true
 order by page.created_at desc, page.id desc;

-- name: tenants_of_text
-- Whom a text fits: the beginning of a slug, of an id (given as first and last), or of each of its words one of a name.
select id from ledger.tenant
 where starts_with(slug, lower(%(text)s::text))
    or id between %(first_id)s::uuid and %(last_id)s::uuid
    or ledger.name_words(name) @@ ledger.words_begin(%(text)s)
 limit %(limit)s;

-- name: counts
-- How many tenants are in each state.
select state::text, tenants from (select state, count(*) as tenants from ledger.tenant group by state) as counted;

-- name: urgent
-- Tenants somebody should look at, newest first: the same judgement as above. By state first, since they are few.
with judged as materialized (
    select * from ledger.tenant
     where (state = 'Failed'
                 and not (cancelled and substate in ('settled', 'ready') and state_since >= %(untouched_before)s::timestamptz))
        or (state in ('Cancelling', 'Decommissioning') and state_since < %(in_between_before)s::timestamptz)
        or (state = 'Provisioning' and state_since < %(provisioning_before)s::timestamptz)
        or stall is not null)
select id, slug, name, plan, region, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, created_at, state_since, true as needs_attention, held, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, escalated, escalation_sent, failures, failure_cause, repeats,
       belongs.class_issue, belongs.class_tenants
  from (select * from judged order by created_at desc, id desc limit %(limit)s) as page
  left join lateral (
       select c.id as class_issue, c.members as class_tenants
         from ledger.class_member as m join ledger.class_issue as c on c.id = m.class_id
        where m.tenant_id = page.id and m.left_at is null and c.closed_at is null
        order by c.id desc limit 1) as belongs on true
 order by created_at desc, id desc;

-- name: needing_attention
-- How many tenants somebody should look at: the same judgement as above.
select count(*) as tenants from ledger.tenant
 where (state = 'Failed'
                 and not (cancelled and substate in ('settled', 'ready') and state_since >= %(untouched_before)s::timestamptz))
    or (state in ('Cancelling', 'Decommissioning') and state_since < %(in_between_before)s::timestamptz)
    or (state = 'Provisioning' and state_since < %(provisioning_before)s::timestamptz)
    or stall is not null;

-- name: refusal_of_run
-- The sentence with which a run was refused, looked for among the last refusals.
select message
  from (select data ->> 'run_id' as run_id, data ->> 'message' as message, at from ledger.fact
         where kind = 'tenant.provisioning.refused' order by at desc limit 2000) as refused
 where run_id = %(run_id)s order by at desc limit 1;

-- name: facts_page
-- A stream's facts as they are stored, from a point on, at most so many.
select seq, at, kind, attempt, actor, reason, lease, data
  from ledger.fact where stream = %(stream)s and seq > %(seq)s order by seq limit %(limit)s;

-- name: newest_seq
-- Where a tenant's row says its stream ends.
select seq from ledger.tenant where id = %(stream)s;

-- name: poke
-- The listener's one short insert.
insert into ledger.poke (run_id, action) values (%(run_id)s, %(action)s);

-- name: pokes
-- What the listener left and nobody has looked at; what people did goes before deadlines that passed.
select id, run_id, action, at from ledger.poke where handled_at is null
 order by action = 'deadline passed', id limit 100;

-- name: poked
-- A poke about what somebody did to this run that nobody has looked at.
select id from ledger.poke where run_id = %(run_id)s and handled_at is null and action <> 'deadline passed' limit 1;

-- name: poke_handled
-- Looked at.
update ledger.poke set handled_at = %(at)s where id = %(id)s;

-- name: beat
-- A reconciler's pulse.
insert into ledger.beat (name, at, took_seconds, summary) values (%(name)s, %(at)s, %(took_seconds)s, %(summary)s)
on conflict (name) do update
   set at = excluded.at, took_seconds = excluded.took_seconds, summary = excluded.summary;

-- name: beats
-- The last pass of each reconciler.
select name, at, took_seconds, summary from ledger.beat order by name;

-- name: claim_answer
-- The first request with this key goes on; one that died at work before it was obeyed is taken over by its repetition.
insert into ledger.answer as a (actor, key, request, at) values (%(actor)s, %(key)s, %(request)s, %(now)s)
on conflict (actor, key) do update set at = excluded.at
  where a.request = excluded.request and a.status is null and a.body is null and a.at < %(dead_before)s
returning key;

-- name: find_answer
-- What is known of this key.
select request, status, body from ledger.answer where actor = %(actor)s and key = %(key)s;

-- name: obeyed_answer
-- In the transaction of the first facts that this key's request led to: from now on it is never performed again.
-- Until it is answered, the body names the tenant.
update ledger.answer set body = jsonb_build_object('tenant', %(tenant)s::text)
 where actor = %(actor)s and key = %(key)s and status is null;

-- name: keep_answer
-- What the first request with this key was answered.
update ledger.answer set status = %(status)s, body = %(body)s where actor = %(actor)s and key = %(key)s;

-- name: drop_answer
-- As if the key had never been used; one that was obeyed stays.
delete from ledger.answer where actor = %(actor)s and key = %(key)s and status is null and body is null;

-- name: forget_answers
-- Keys are kept for a day; a few of the oldest go with each new one.
delete from ledger.answer where (actor, key) in
    (select actor, key from ledger.answer where at < %(before)s order by at limit 20);

-- name: forget_pokes
-- Pokes that were handled long ago; some thousands at a time, so that no statement takes long.
delete from ledger.poke where id in
    (select id from ledger.poke where handled_at < %(before)s order by id limit 5000) returning id;

-- name: suspects
-- Tenants that should have said something by now; in random order, so that none is always behind the limit.
-- With a pass every 30 s, whatever was missed is found within a minute: 20 s while they provision, or while a failure
-- is undone, which a callback does first; 10 s while a wish is pursued.
select id as tenant_id, extract(epoch from %(now)s::timestamptz - updated_at)::float as silent_seconds
  from ledger.tenant
 where (state = 'Provisioning' and updated_at < %(now)s::timestamptz - interval '20 seconds')
    or (state in ('Cancelling', 'Decommissioning') and updated_at < %(now)s::timestamptz - interval '10 seconds')
    or (substate = 'unwinding' and updated_at < %(now)s::timestamptz - interval '20 seconds')
    or (substate = 'ready' and not history_cleared and updated_at < %(now)s::timestamptz - interval '10 seconds')
 order by random() limit %(limit)s;

-- name: standings
-- How every tenant stands that is in motion, failed, or has an open stall.
select id as tenant_id, state::text, substate::text, activity, state_since, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, attempt, escalated, escalation_sent, failures, failure_cause, repeats
  from ledger.tenant where state in ('Provisioning', 'Cancelling', 'Decommissioning', 'Failed') or stall is not null;

-- name: snapshot
-- All that is read in this transaction is of one moment.
set transaction isolation level repeatable read, read only;

-- name: tenants_seqs
-- Where each tenant's stream ends: who was still has the same before and after.
select id, seq from ledger.tenant;

-- name: live_resources
-- All that the ledger says may exist outside.
select r.kind, r.name, r.tenant_id, t.slug, t.region, t.state = 'Active' as active, r.kid, r.credential_generation,
       r.system
  from ledger.resource as r join ledger.tenant as t on t.id = r.tenant_id where r.state <> 'released';

-- name: streams
-- Every tenant that has a row, facts, or a signed head.
select id from ledger.tenant
 union select stream from ledger.fact where kind = 'tenant.provisioning.requested'
 union select stream from ledger.signed_head;

-- name: tenant_rows
-- These tenants' rows, in the words of projection.py.
select id, slug, name, plan, region, admin_email, state::text, substate::text, attempt, generation, run_id, activity,
       seq, predecessor, held, held_by, history_cleared, stall, stall_activity, stall_cause, stall_said, escalated, escalation_sent,
       failures, failure_cause, repeats, failure_activity, failure_said, schema_version, chart_version,
       updated_at as at
  from ledger.tenant where id = any(%(ids)s);

-- name: resource_rows
-- The rows of these tenants' resources, likewise.
select tenant_id, kind, name, proof, activity, state::text, position, kid, credential_generation,
       system, region, connection
  from ledger.resource where tenant_id = any(%(ids)s);

-- name: facts_of
-- These streams' facts, each stream in order.
select stream, seq, kind, attempt, lease, actor, reason, at, data, prev_hash, hash
  from ledger.fact where stream = any(%(ids)s) order by stream, seq;

-- name: heads_of
-- The newest signed head of each of these streams.
select distinct on (stream) stream, seq, hash from ledger.signed_head
 where stream = any(%(ids)s) order by stream, seq desc;

-- name: signed_heads
-- Signed heads in order, from one on.
select id, stream, seq, hash, at, kid, signature from ledger.signed_head
 where id > %(after)s order by id limit %(limit)s;

-- name: last_signed_head
-- The newest signed head.
select id, stream, seq, hash, at, kid, signature from ledger.signed_head order by id desc limit 1;

-- name: insert_signed_head
-- A new signed head; another pass may have stored one of this number.
insert into ledger.signed_head (id, stream, seq, hash, at, kid, signature)
values (%(id)s, %(stream)s, %(seq)s, %(hash)s, %(at)s, %(kid)s, %(signature)s)
    on conflict (id) do nothing returning id;

-- name: open_findings
-- What is so now, the oldest first.
select what, kind, f.name, f.region, tenant_id, said, opened_at, confirmed_at, slug
  from ledger.finding as f left join ledger.tenant as t on t.id = tenant_id
 where gone_at is null and (%(tenant_id)s::uuid is null or tenant_id = %(tenant_id)s)
 order by opened_at, kind, f.name, f.region limit %(limit)s;

-- name: confirm_findings
-- Each is so: one more, or still the same one.
insert into ledger.finding as f (what, kind, name, region, tenant_id, said, opened_at, confirmed_at)
select what, kind, name, region, tenant_id, said, %(now)s, %(now)s
  from jsonb_to_recordset(%(findings)s)
       as g (what text, kind text, name text, region text, tenant_id uuid, said text)
on conflict (what, kind, name, region) where gone_at is null do update
   set confirmed_at = greatest(f.opened_at, excluded.confirmed_at), said = excluded.said,
       tenant_id = excluded.tenant_id;

-- name: close_findings
-- These are so no longer.
update ledger.finding as f set gone_at = %(now)s
  from jsonb_to_recordset(%(findings)s) as g (what text, kind text, name text, region text)
 where f.gone_at is null and (f.what, f.kind, f.name, f.region) = (g.what, g.kind, g.name, g.region);

-- name: forget_findings
-- What was mended long ago; the audit log is kept elsewhere.
delete from ledger.finding where gone_at < %(before)s;

-- name: usual
-- How long each activity took, of the last completions: from its first start since it was last completed before.
select activity, count(*) as completions,
       percentile_cont(0.5) within group (order by seconds) as median,
       percentile_cont(0.95) within group (order by seconds) as most
  from (select stream, seq, attempt, at, data ->> 'activity' as activity
          from ledger.fact where kind = 'tenant.provisioning.step.completed'
           and (%(since)s::timestamptz is null or at > %(since)s) order by at desc limit %(recent)s) as done
 cross join lateral (
       select extract(epoch from done.at - min(begun.at))::float as seconds
         from ledger.fact as begun
        where begun.stream = done.stream and begun.seq < done.seq and begun.attempt = done.attempt
          and begun.kind = 'tenant.provisioning.step.started' and begun.data ->> 'activity' = done.activity
          and begun.seq > coalesce((select max(earlier.seq) from ledger.fact as earlier
                                     where earlier.stream = done.stream and earlier.seq < done.seq
                                       and earlier.kind = 'tenant.provisioning.step.completed'
                                       and earlier.data ->> 'activity' = done.activity), 0)) as took
 where seconds is not null
 group by activity
having count(*) >= %(enough)s;

-- name: raise_alert
-- One message a key, ever.
insert into ledger.alert (key, subject, body, tenant_id, path, details, raised_at)
values (%(key)s, %(subject)s, %(text)s, %(tenant_id)s, %(path)s, %(details)s, %(now)s)
on conflict (key) do nothing;

-- name: alert_due
-- Something new, or a letter whose next try has come.
select key from ledger.alert where addressed_at is null
union all
select key from ledger.delivery where next_try_at <= %(now)s
 limit 1;

-- name: address_alerts
-- A letter to each channel for each alert that has none yet.
with fresh as (
    update ledger.alert set addressed_at = %(now)s where addressed_at is null returning key)
insert into ledger.delivery (key, channel, next_try_at)
select key, channel, %(now)s from fresh cross join unnest(%(channels)s::text[]) as channel
on conflict do nothing;

-- name: withdraw_deliveries
-- Letters to channels that are there no longer.
update ledger.delivery set next_try_at = null, last_error = 'The channel was taken away.'
 where next_try_at is not null and not channel = any(%(channels)s::text[]);

-- name: claim_delivery
-- The letter that is due longest, as one more try; a sender that dies leaves it to the next.
with mine as (
    select key, channel from ledger.delivery
     where next_try_at <= %(now)s and channel = any(%(channels)s)
     order by next_try_at, tries, key limit 1 for update skip locked),
claimed as (
    update ledger.delivery as d set tries = tries + 1, next_try_at = %(until)s
      from mine where d.key = mine.key and d.channel = mine.channel
    returning d.key, d.channel, d.tries)
select key, subject, body, tenant_id, path, details, raised_at, channel, tries, slug
  from claimed join ledger.alert using (key) left join ledger.tenant as t on t.id = tenant_id;

-- name: delivery_sent
-- The channel took it.
update ledger.delivery set sent_at = %(now)s, next_try_at = null, last_error = ''
 where key = %(key)s and channel = %(channel)s;

-- name: delivery_failed
-- The channel did not take it. The others that wait for the same channel wait as long: each would fail likewise.
update ledger.delivery as d
   set last_error = case when d.key = %(key)s then %(error)s else last_error end,
       next_try_at = case when d.key = %(key)s then %(next_try_at)s::timestamptz
                          else greatest(next_try_at, %(next_try_at)s::timestamptz) end
 where channel = %(channel)s and next_try_at is not null;

-- name: forget_alerts
-- What was raised long ago, with its letters.
delete from ledger.alert where raised_at < %(before)s;

-- name: untold_alerts
-- Alerts for which there was no channel.
select count(*) as alerts from ledger.alert as a
 where addressed_at is not null and raised_at > %(since)s
   and not exists (select from ledger.delivery as d where d.key = a.key);

-- name: channel_states
-- Letters that wait and letters that were given up, by channel.
select channel, count(*) filter (where next_try_at is not null) as waiting,
       count(*) filter (where next_try_at is null and sent_at is null) as given_up
  from ledger.delivery group by channel order by channel;

-- name: unsent_escalations
-- The newest escalation of each attempt that no channel has accepted and of which there is no message yet.
select t.id as tenant_id, e.seq
  from ledger.tenant as t
 cross join lateral (
       select seq, at from ledger.fact
        where stream = t.id and attempt = t.attempt and kind = 'tenant.provisioning.escalated'
        order by seq desc limit 1) as e
 where t.escalated and not t.escalation_sent and e.at > %(since)s
   and not exists (select from ledger.alert as a where a.key = concat_ws(':', 'escalation', t.id, e.seq))
 order by e.at limit %(limit)s;

-- name: escalation
-- The newest escalation of the tenant's attempt, with a row for each channel its message is on its way to.
select e.seq, a.raised_at, a.addressed_at, d.channel, d.tries, d.next_try_at, d.sent_at, d.last_error
  from ledger.tenant as t
 cross join lateral (
       select seq from ledger.fact
        where stream = t.id and attempt = t.attempt and kind = 'tenant.provisioning.escalated'
        order by seq desc limit 1) as e
  left join ledger.alert as a on a.key = concat_ws(':', 'escalation', t.id, e.seq)
  left join ledger.delivery as d on d.key = a.key
 where t.id = %(tenant)s and t.escalated
 order by d.sent_at nulls last, d.channel;

-- name: measured_states
-- How many tenants are in each state, and since when the one that is in it longest.
select state::text, coalesce(substate::text, '') as substate, count(*) as tenants, min(state_since) as oldest_since
  from ledger.tenant group by state, substate;

-- name: measured_times_to_active
-- How long the newest attempts took that ended well.
select count(*) as attempts, percentile_cont(%(shares)s::float[]) within group (order by seconds) as seconds
  from (select stream, attempt, at from ledger.fact
         where kind = 'tenant.provisioning.completed' and at > %(since)s order by at desc limit %(recent)s) as done
 cross join lateral (
       select extract(epoch from done.at - begun.at)::float as seconds from ledger.fact as begun
        where begun.stream = done.stream and begun.attempt = done.attempt
          and begun.kind = 'tenant.provisioning.started' order by begun.seq limit 1) as took;

-- name: measured_failures
-- By activity, how many tries and how many attempts failed.
select data ->> 'activity' as activity,
       count(*) filter (where kind = 'tenant.provisioning.step.failed') as tries,
       count(*) filter (where kind = 'tenant.provisioning.failed') as attempts
  from ledger.fact
 where kind in ('tenant.provisioning.step.failed', 'tenant.provisioning.failed') and at > %(since)s
 group by activity;

-- name: cheap_pages
-- In this transaction, facts are looked for by kind and time.
-- PostgreSQL prefers time alone, as if each page came from a disk, and reads ten times as much; a day's pages are in memory.
set local random_page_cost = 1.1;

-- name: facts_estimated
-- About how many facts there are, as the last analyze saw it: counting them takes seconds.
select greatest(reltuples, 0)::bigint as facts from pg_class where oid = 'ledger.fact'::regclass;

-- name: measured_stalls
-- Open stalls by what is over its time, where, and why.
select stall as kind, coalesce(stall_activity, '') as activity, stall_cause as cause, count(*) as tenants
  from ledger.tenant where stall is not null group by stall, stall_activity, stall_cause;

-- name: untold_stalls
-- Open stalls of which there was no alert yet and whose cause was looked for, the oldest first. The same one in the same attempt has the same key.
select * from (
       select id as tenant_id, slug, region, plan, state::text, substate::text, activity, state_since, activity_since,
              turn_since, held_by, stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, attempt, escalated, escalation_sent, failures, failure_cause, repeats,
              concat_ws(':', 'stall', id, attempt || '.' || generation, replace(stall, ' ', '-'), stall_activity) as key
         from ledger.tenant
        where stall is not null and stall_said <> %(not_looked_at)s
          and greatest(state_since, activity_since) > %(since)s) as stalled
 where not exists (select from ledger.alert as a where a.key = stalled.key)
   and not tenant_id = any(%(but)s::uuid[])
 order by state_since limit %(limit)s;

-- name: troubles
-- What keeps tenants, the newest first.
-- The open stall of an attempt; how the last attempt failed, of tenants that are to become Active; and for those of an
-- open class that were cancelled since, what they were cancelled for.
select tenant_id, slug, activity, cause, left(said, 500) as said, error, region, chart_version, schema_version,
       at, lasts
  from (
       select id as tenant_id, slug, coalesce(stall_activity, '') as activity, stall_cause as cause, stall_said as said,
              null as error, region, chart_version, schema_version, coalesce(activity_since, state_since) as at,
              true as lasts
         from ledger.tenant
        where stall is not null and stall_said <> %(not_looked_at)s
          and (stall in ('activity', 'provisioning') or (stall = 'in between' and stall_cause <> 'unknown'))
       union all
       select id, slug, failure_activity, failure_cause, failure_said, null, region, chart_version, schema_version,
              failed_at, false
         from ledger.tenant
        where failed_at > %(since)s and state in ('Failed', 'Cancelling')
       union all
       select t.id, t.slug, c.activity, c.cause, c.said, c.error, c.region, c.chart_version, c.schema_version,
              m.joined_at, false
         from ledger.class_issue as c
         join ledger.class_member as m on m.class_id = c.id and m.left_at is null
         join ledger.tenant as t on t.id = m.tenant_id
        where c.closed_at is null and t.state in ('Cancelling', 'Failed')
          and (t.failed_at is null or t.failed_at < m.joined_at)) as trouble
 order by at desc limit %(limit)s;

-- name: open_class_keys
-- The classes that are open, as their signatures' keys.
select key from ledger.class_issue where closed_at is null;

-- name: keep_class
-- It is so: one more, or still the same one.
insert into ledger.class_issue as c (key, activity, cause, error, region, chart_version, schema_version, said, members,
                                     first_at, last_at, opened_at)
values (%(key)s, %(activity)s, %(cause)s, %(error)s, %(region)s, %(chart_version)s, %(schema_version)s, %(said)s,
        %(members)s, %(first_at)s, %(last_at)s, %(now)s)
on conflict (key) where closed_at is null do update
   set members = excluded.members, said = excluded.said, last_at = greatest(c.last_at, excluded.last_at)
returning id, (xmax = 0) as opened;

-- name: keep_members
-- Who belongs to it: some more, some again, some no longer. Whoever stays is not touched.
with now_in as (select unnest(%(tenants)s::uuid[]) as tenant_id),
gone as (update ledger.class_member as m set left_at = %(now)s
          where class_id = %(id)s and left_at is null and tenant_id not in (select tenant_id from now_in))
insert into ledger.class_member as m (class_id, tenant_id, joined_at)
select %(id)s, tenant_id, %(now)s from now_in
 where not exists (select from ledger.class_member as k
                    where k.class_id = %(id)s and k.tenant_id = now_in.tenant_id and k.left_at is null)
on conflict (class_id, tenant_id) do update set left_at = null, joined_at = excluded.joined_at;

-- name: close_classes
-- All others are over.
with over as (
    update ledger.class_issue set closed_at = %(now)s, members = 0
     where closed_at is null and not key = any(%(but)s::text[]) returning id),
gone as (
    update ledger.class_member set left_at = %(now)s where left_at is null and class_id in (select id from over))
select id from over;

-- name: forget_classes
-- What was over long ago, with its members.
delete from ledger.class_issue where closed_at < %(before)s;

-- name: class_issues
-- Open ones, the oldest first; or the one of an id, also when it is over.
select id, activity, cause, error, region, chart_version, schema_version, said, members, first_at, last_at, opened_at,
       closed_at
  from ledger.class_issue
 where (%(id)s::bigint is null and closed_at is null) or id = %(id)s
 order by opened_at, id limit %(limit)s;

-- name: open_classes_by_what
-- How many are open, by what they are about.
select activity, cause, region, count(*) as classes from ledger.class_issue
 where closed_at is null group by activity, cause, region;

-- name: untold_classes
-- Open ones of which there was no alert yet, the oldest first.
select id, activity, cause, error, region, chart_version, schema_version, said, members, first_at, last_at, opened_at,
       closed_at
  from ledger.class_issue as c
 where closed_at is null and not exists (select from ledger.alert as a where a.key = 'class:' || c.id)
 order by opened_at, id limit %(limit)s;

-- name: class_members
-- Who belongs to a class, or did: those that are not well first, so that a bound leaves out who needs nothing.
select m.class_id, t.id as tenant_id, t.slug, t.state::text, t.substate::text, t.stall is not null as stalled,
       m.joined_at, m.left_at
  from ledger.class_member as m join ledger.tenant as t on t.id = m.tenant_id
 where m.class_id = %(id)s and (%(left)s or m.left_at is null)
 order by t.state in ('Active', 'Decommissioned'), m.left_at is not null, t.slug limit %(limit)s;

-- name: members_of_open_classes
-- Who is told of as part of a class.
select distinct m.tenant_id from ledger.class_member as m join ledger.class_issue as c on c.id = m.class_id
 where m.left_at is null and c.closed_at is null;
