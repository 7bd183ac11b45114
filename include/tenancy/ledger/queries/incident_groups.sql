-- Incident groups and their members.

-- name: incidents
-- What keeps tenants from becoming Active, newest first.
-- The open stall of an attempt; the failure of the last attempt, of tenants that should become Active; and for members of
-- an open group that were cancelled since, what they were cancelled for.
select tenant_id, slug, activity, cause, left(said, 500) as said, error, region, chart_version, schema_version, product,
       at, lasts
  from (
       select id as tenant_id, slug, coalesce(stall_activity, '') as activity, stall_cause as cause, stall_said as said,
              null as error, region, chart_version, schema_version, product, coalesce(activity_since, state_since) as at,
              true as lasts
         from ledger.tenant
        where stall is not null and stall_said <> %(not_looked_at)s
          and (stall in ('activity', 'provisioning') or (stall = 'in between' and stall_cause <> 'unknown'))
       union all
       select id, slug, failure_activity, failure_cause, failure_said, null, region, chart_version, schema_version, product,
              failed_at, false
         from ledger.tenant
        where failed_at > %(since)s and state in ('Failed', 'Cancelling')
       union all
       select t.id, t.slug, c.activity, c.cause, c.said, c.error, c.region, c.chart_version, c.schema_version,
              c.product, m.joined_at, false
         from ledger.class_issue as c
         join ledger.class_member as m on m.class_id = c.id and m.left_at is null
         join ledger.tenant as t on t.id = m.tenant_id
        where c.closed_at is null and t.state in ('Cancelling', 'Failed')
          and (t.failed_at is null or t.failed_at < m.joined_at)) as trouble
 order by at desc limit %(limit)s;

-- name: open_group_keys
-- The keys of the signatures of open groups.
select key from ledger.class_issue where closed_at is null;

-- name: upsert_incident_group
-- Open a group, or bring the open one up to date.
insert into ledger.class_issue as c (key, activity, cause, error, region, chart_version, schema_version, product, said, members,
                                     first_at, last_at, opened_at)
values (%(key)s, %(activity)s, %(cause)s, %(error)s, %(region)s, %(chart_version)s, %(schema_version)s,
        %(product)s, %(said)s, %(members)s, %(first_at)s, %(last_at)s, %(now)s)
on conflict (key) where closed_at is null do update
   set members = excluded.members, said = excluded.said, last_at = greatest(c.last_at, excluded.last_at)
returning id, (xmax = 0) as opened;

-- name: update_group_members
-- Bring the members up to date: add, add again, remove. Members that stay are not touched.
with now_in as (select unnest(%(tenants)s::uuid[]) as tenant_id),
gone as (update ledger.class_member as m set left_at = %(now)s
          where class_id = %(id)s and left_at is null and tenant_id not in (select tenant_id from now_in))
insert into ledger.class_member as m (class_id, tenant_id, joined_at)
select %(id)s, tenant_id, %(now)s from now_in
 where not exists (select from ledger.class_member as k
                    where k.class_id = %(id)s and k.tenant_id = now_in.tenant_id and k.left_at is null)
on conflict (class_id, tenant_id) do update set left_at = null, joined_at = excluded.joined_at;

-- name: close_incident_groups
-- Close all other groups, with their members.
with over as (
    update ledger.class_issue set closed_at = %(now)s, members = 0
     where closed_at is null and not key = any(%(but)s::text[]) returning id),
gone as (
    update ledger.class_member set left_at = %(now)s where left_at is null and class_id in (select id from over))
select id from over;

-- name: delete_old_incident_groups
-- Delete groups that were closed long ago, with their members.
delete from ledger.class_issue where closed_at < %(before)s;

-- name: incident_groups
-- Open groups, oldest first; or the group with this id, also when it is closed.
select id, activity, cause, error, region, chart_version, schema_version, product, said, members, first_at, last_at, opened_at,
       closed_at
  from ledger.class_issue
 where (%(id)s::bigint is null and closed_at is null) or id = %(id)s
 order by opened_at, id limit %(limit)s;

-- name: unannounced_groups
-- Open groups without an alert, oldest first.
select id, activity, cause, error, region, chart_version, schema_version, product, said, members, first_at, last_at, opened_at,
       closed_at
  from ledger.class_issue as c
 where closed_at is null and not exists (select from ledger.alert as a where a.key = 'class:' || c.id)
 order by opened_at, id limit %(limit)s;

-- name: group_members
-- Members of a group, also former ones if asked. Those that are not well come first, so the limit cuts off who needs nothing.
select m.class_id, t.id as tenant_id, t.slug, t.state::text, t.substate::text, t.stall is not null as stalled,
       m.joined_at, m.left_at
  from ledger.class_member as m join ledger.tenant as t on t.id = m.tenant_id
 where m.class_id = %(id)s and (%(left)s or m.left_at is null)
 order by t.state in ('Active', 'Decommissioned'), m.left_at is not null, t.slug limit %(limit)s;

-- name: grouped_tenants
-- Every tenant that belongs to an open group.
select distinct m.tenant_id from ledger.class_member as m join ledger.class_issue as c on c.id = m.class_id
 where m.left_at is null and c.closed_at is null;
