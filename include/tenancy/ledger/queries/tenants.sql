-- Single tenants, and those that the reconciler looks at.

-- name: tenant_of_run
-- The tenant of which an attempt ran, or runs, in this Airflow run.
select tenant_id from ledger.run where run_id = %(run_id)s order by attempt desc limit 1;

-- name: tenant_of_slug
-- The live tenant of this slug.
select id as tenant_id from ledger.tenant where slug = %(slug)s and state <> 'Decommissioned';

-- name: predecessor_of_slug
-- The last decommissioned tenant of this slug.
select id as tenant_id from ledger.tenant where slug = %(slug)s and state = 'Decommissioned'
 order by created_at desc limit 1;

-- name: usage
-- How many tenants count against the capacity of a region and the quota of a plan.
select count(*) filter (where region = %(region)s) as region, count(*) filter (where plan = %(plan)s) as plan
  from ledger.tenant where state <> 'Decommissioned';

-- name: usage_by_region_and_plan
-- The same for all regions and plans at once.
select region, plan, count(*) as tenants from ledger.tenant where state <> 'Decommissioned' group by region, plan;

-- name: tenants_by_state
-- How many tenants are in each state.
select state::text, tenants from (select state, count(*) as tenants from ledger.tenant group by state) as counted;

-- name: silent_tenants
-- Tenants that should have recorded a fact by now, in random order: none is always behind the limit.
-- A pass every 30 s finds what was missed within a minute: after 20 s while a tenant provisions, or while a failure is
-- undone (a callback does that first); after 10 s while an action is carried out.
select id as tenant_id, extract(epoch from %(now)s::timestamptz - updated_at)::float as silent_seconds
  from ledger.tenant
 where (state = 'Provisioning' and updated_at < %(now)s::timestamptz - interval '20 seconds')
    or (state in ('Cancelling', 'Decommissioning') and updated_at < %(now)s::timestamptz - interval '10 seconds')
    or (substate = 'unwinding' and updated_at < %(now)s::timestamptz - interval '20 seconds')
    or (substate = 'ready' and not history_cleared and updated_at < %(now)s::timestamptz - interval '10 seconds')
 order by random() limit %(limit)s;

-- name: tenant_statuses
-- Every tenant that is in motion, failed, or has an open stall.
select id as tenant_id, state::text, substate::text, activity, state_since, activity_since, turn_since, held_by,
       stall, stall_activity, stall_cause, stall_said, stall_at, held_at, activity_cause, activity_said,
       activity_cause_at, cancelled, past_no_return, attempt, escalated, escalation_sent, failures, failure_cause, repeats
  from ledger.tenant where state in ('Provisioning', 'Cancelling', 'Decommissioning', 'Failed') or stall is not null;

-- name: unannounced_stalls
-- Open stalls without an alert, oldest first; the cause has been examined.
-- The same stall in the same attempt has the same key.
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
