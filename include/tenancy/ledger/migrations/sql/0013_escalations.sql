-- Has a notification channel accepted the message about the tenant's escalation? Nobody was told by earlier versions.
alter table tenant add column escalation_sent boolean not null default false;
create index tenant_escalation_unsent on tenant (id) where escalated and not escalation_sent;
