-- Alerts: what somebody is to be told, and whether each channel has taken it.

create table alert (
    key          text        primary key check (key <> ''),  -- one message for each stall or class, whoever raises it again
    subject      text        not null check (subject <> ''),
    body         text        not null,
    tenant_id    uuid,                                       -- null when it is about no single tenant
    path         text        not null,                       -- of its page, below Airflow's own address
    details      jsonb       not null,                       -- the same for programs: activity, cause, since
    raised_at    timestamptz not null,
    addressed_at timestamptz                                 -- when it was found out which channels there are; null until then
);
comment on table alert is 'The outbox of notifications. A row for each message, ever; forgotten after 30 days.';
create index alert_not_addressed on alert (raised_at) where addressed_at is null;
create index alert_by_time on alert (raised_at);

create table delivery (
    key         text        not null references alert (key) on delete cascade,
    channel     text        not null,                        -- slack, smtp, webhook
    tries       integer     not null default 0 check (tries >= 0),
    next_try_at timestamptz,                                 -- null once it is sent or given up
    sent_at     timestamptz,
    last_error  text        not null default '',
    primary key (key, channel),
    constraint sent_is_not_tried_again check (sent_at is null or next_try_at is null)
);
comment on table delivery is 'One message on its way to one channel. Tried again until it is taken, for a day.';
create index delivery_waiting on delivery (next_try_at) where next_try_at is not null;
