-- Known since: when a cause was recorded, and what keeps the activity that is under way. Advice weighs the age of what
-- was recorded against what is seen now.

alter table tenant
    add column held_at timestamptz,            -- since when `held` is so; null: nothing holds it, or it is not known
    add column stall_at timestamptz,           -- since when the stall has this cause
    add column activity_cause text,            -- why the last try failed, or what the activity waits for
    add column activity_said text not null default '',
    add column activity_cause_at timestamptz,  -- since when that is the cause
    add column cancelled boolean not null default false;  -- a person cancelled the newest attempt while it was running
