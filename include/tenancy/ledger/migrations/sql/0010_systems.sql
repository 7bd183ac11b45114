-- Where each resource was made: absence counts only when that very system states it, and undoing needs no platform file.
alter table resource add column system text not null default '';
alter table resource add column region text not null default '';
alter table resource add column connection text not null default '';
comment on column resource.system is 'The identity of the system that has it; empty in facts that did not record it.';
comment on column resource.connection is 'The id of the Airflow connection that leads to that system.';
