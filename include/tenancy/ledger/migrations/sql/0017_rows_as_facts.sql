-- Rows as facts: the columns of 0012 for tenants from before it. From now on the drift check compares every column, and a
-- difference is an edit by hand.

-- A person cancelled the newest attempt while it was running: of all that ends an attempt, Cancel came first.
update tenant as t set cancelled = true
  from (select distinct on (stream) stream, attempt, kind from fact
         where kind in ('tenant.provisioning.cancel.requested', 'tenant.provisioning.failed',
                        'tenant.provisioning.completed', 'tenant.decommission.requested', 'tenant.provisioning.reset')
           and attempt = (select attempt from tenant where id = stream)
         order by stream, seq) as ended
 where ended.stream = t.id and ended.kind = 'tenant.provisioning.cancel.requested' and not t.cancelled;

-- Why the activity that is under way is not done: its last try's error, or what it waits for.
update tenant as t
   set activity_said = said.message, activity_cause = said.cause
  from (select distinct on (f.stream) f.stream, coalesce(f.data ->> 'message', '') as message,
               nullif(nullif(f.data ->> 'cause', ''), 'unknown') as cause
          from fact as f join tenant as own on own.id = f.stream
         where f.kind in ('tenant.provisioning.step.failed', 'tenant.provisioning.step.progress',
                         'tenant.provisioning.step.completed')
           and f.attempt = own.attempt and f.data ->> 'activity' = own.activity
         order by f.stream, f.seq desc) as said
 where said.stream = t.id and t.state = 'Provisioning'
   and (t.activity_said, coalesce(t.activity_cause, '')) is distinct from (said.message, coalesce(said.cause, ''));
