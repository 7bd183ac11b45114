-- The point of no return: whose data only a person may destroy. Advice and lists need it without folding the facts.

alter table tenant
    add column past_no_return boolean not null default false;  -- a failure keeps everything

-- Rows from before, as their facts fold: passed by the pivot, by completion, or by being retained, after whatever settled.
-- The pivot is that of the plan which its attempt recorded.
update tenant as t set past_no_return = true
 where exists (
       select from fact as passed
        where passed.stream = t.id
          and passed.seq > coalesce((select max(seq) from fact as s
                                      where s.stream = t.id and s.kind = 'tenant.provisioning.settled'), 0)
          and (passed.kind in ('tenant.provisioning.completed', 'tenant.provisioning.point_of_no_return')
               or (passed.kind = 'tenant.provisioning.failed' and (passed.data ->> 'retained')::boolean)
               or (passed.kind = 'tenant.provisioning.step.completed' and exists (
                   select from fact as started, jsonb_array_elements(started.data -> 'plan') as entry
                    where started.stream = t.id and started.attempt = passed.attempt
                      and started.kind = 'tenant.provisioning.started'
                      and entry ->> 'kind' = 'pivot' and entry ->> 'activity' = passed.data ->> 'activity'))));
