-- Airflow's DeadlineAlert leaves a poke, too.
alter table poke drop constraint poke_action_check;
alter table poke add constraint poke_action_check check (action in ('mark run failed', 'deadline passed'));
