-- The outbox of alerts, and what became of escalations.

-- name: raise_alert
-- Put an alert into the outbox. One per key, ever.
insert into ledger.alert (key, subject, body, tenant_id, path, details, raised_at)
values (%(key)s, %(subject)s, %(text)s, %(tenant_id)s, %(path)s, %(details)s, %(now)s)
on conflict (key) do nothing;

-- name: due_alert
-- Is there a new alert, or a delivery whose next try is due?
select key from ledger.alert where addressed_at is null
union all
select key from ledger.delivery where next_try_at <= %(now)s
 limit 1;

-- name: address_alerts
-- A delivery to each channel for each new alert.
with fresh as (
    update ledger.alert set addressed_at = %(now)s where addressed_at is null returning key)
insert into ledger.delivery (key, channel, next_try_at)
select key, channel, %(now)s from fresh cross join unnest(%(channels)s::text[]) as channel
on conflict do nothing;

-- name: withdraw_deliveries
-- Give up deliveries to channels that do not exist any more.
update ledger.delivery set next_try_at = null, last_error = 'The channel was taken away.'
 where next_try_at is not null and not channel = any(%(channels)s::text[]);

-- name: claim_delivery
-- The delivery that is due longest, counted as one more try. If the sender dies, the next one takes it.
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
-- The channel accepted it.
update ledger.delivery set sent_at = %(now)s, next_try_at = null, last_error = ''
 where key = %(key)s and channel = %(channel)s;

-- name: delivery_failed
-- The channel did not accept it. Other deliveries to the same channel wait as long: they would fail likewise.
update ledger.delivery as d
   set last_error = case when d.key = %(key)s then %(error)s else last_error end,
       next_try_at = case when d.key = %(key)s then %(next_try_at)s::timestamptz
                          else greatest(next_try_at, %(next_try_at)s::timestamptz) end
 where channel = %(channel)s and next_try_at is not null;

-- name: delete_old_alerts
-- Delete what was raised long ago, with its deliveries.
delete from ledger.alert where raised_at < %(before)s;

-- name: undeliverable_alerts
-- How many alerts had no channel.
select count(*) as alerts from ledger.alert as a
 where addressed_at is not null and raised_at > %(since)s
   and not exists (select from ledger.delivery as d where d.key = a.key);

-- name: channel_states
-- Deliveries that wait and deliveries that were given up, by channel.
select channel, count(*) filter (where next_try_at is not null) as waiting,
       count(*) filter (where next_try_at is null and sent_at is null) as given_up
  from ledger.delivery group by channel order by channel;

-- name: unsent_escalations
-- The newest escalation of each attempt that no channel has accepted and that has no alert yet.
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
-- The newest escalation of the tenant's attempt, with a row for each channel of its alert.
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
