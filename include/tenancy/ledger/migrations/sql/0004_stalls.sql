-- Stalls: since when the first activity that is not done is that, and the stall that is recorded and open.

alter table tenant
    add column activity_since timestamptz,                -- null when all are done
    add column held_by        text,                       -- the cause that holds its run; null: nothing does
    add column stall          text,                       -- what is over its time, such as activity; null: nothing is
    add column stall_activity text,
    add column stall_cause    text,
    add column stall_said     text    not null default '',
    add column escalated      boolean not null default false,
    add column failures       integer not null default 0, -- how many attempts failed
    add column failure_cause  text,                       -- of the last one
    add column repeats        boolean not null default false;  -- the last two failed alike

-- Rows from before. Of a clock, the newest fact is the best that is known; the rest is what their facts fold to.
update tenant set activity_since = updated_at where activity is not null;
update tenant set held_by = 'unknown' where held <> '';
update tenant as t
   set failures = f.failures, failure_cause = 'unknown', repeats = coalesce(f.last = f.before, false)
  from (select stream, count(*) as failures,
               (array_agg(alike order by seq desc))[1] as last, (array_agg(alike order by seq desc))[2] as before
          from (select stream, seq, row(data ->> 'activity', regexp_replace(data ->> 'message',
                       '[0-9a-f]{8,}|[0-9]+', '#', 'g'))::text as alike
                  from fact where kind = 'tenant.provisioning.failed') as failed
         group by stream) as f
 where f.stream = t.id;
update tenant as t set escalated = true
 where exists (select from fact as e where e.stream = t.id and e.kind = 'tenant.provisioning.escalated'
                  and e.attempt = t.attempt);
alter table tenant add constraint an_activity_has_its_clock check ((activity is null) = (activity_since is null));
create index tenant_stalled on tenant (stall_cause, stall_activity) where stall is not null;
