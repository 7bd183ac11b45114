-- Numbers for the metrics and the timeline.

-- name: activity_durations
-- How long each activity took in its last completions: from its first start since it was completed before.
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

-- name: measured_states
-- How many tenants of each product are in each state, and since when the longest of them.
select state::text, coalesce(substate::text, '') as substate, product, count(*) as tenants,
       min(state_since) as oldest_since
  from ledger.tenant group by state, substate, product;

-- name: measured_times_to_active
-- How long the newest completed attempts took.
select count(*) as attempts, percentile_cont(%(shares)s::float[]) within group (order by seconds) as seconds
  from (select stream, attempt, at from ledger.fact
         where kind = 'tenant.provisioning.completed' and at > %(since)s order by at desc limit %(recent)s) as done
 cross join lateral (
       select extract(epoch from done.at - begun.at)::float as seconds from ledger.fact as begun
        where begun.stream = done.stream and begun.attempt = done.attempt
          and begun.kind = 'tenant.provisioning.started' order by begun.seq limit 1) as took;

-- name: measured_failures
-- How many tries and how many attempts failed, by activity.
select data ->> 'activity' as activity,
       count(*) filter (where kind = 'tenant.provisioning.step.failed') as tries,
       count(*) filter (where kind = 'tenant.provisioning.failed') as attempts
  from ledger.fact
 where kind in ('tenant.provisioning.step.failed', 'tenant.provisioning.failed') and at > %(since)s
 group by activity;

-- name: assume_cached_pages
-- In this transaction, find facts by kind and time.
-- By default PostgreSQL prefers time alone, as if each page came from a disk, and reads ten times as much. A day's pages
-- are in memory.
set local random_page_cost = 1.1;

-- name: facts_estimated
-- About how many facts there are, by the last ANALYZE: counting them takes seconds.
select greatest(reltuples, 0)::bigint as facts from pg_class where oid = 'ledger.fact'::regclass;

-- name: measured_stalls
-- Open stalls by what is over its limit, where, and why.
select stall as kind, coalesce(stall_activity, '') as activity, stall_cause as cause, count(*) as tenants
  from ledger.tenant where stall is not null group by stall, stall_activity, stall_cause;

-- name: open_groups_by_signature
-- How many groups are open, by activity, cause, region and product.
select activity, cause, region, product, count(*) as classes from ledger.class_issue
 where closed_at is null group by activity, cause, region, product;
