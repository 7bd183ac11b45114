-- Pokes and heartbeats of the periodic jobs.

-- name: insert_poke
-- Leave a poke: one short insert within Airflow's request.
insert into ledger.poke (run_id, action) values (%(run_id)s, %(action)s);

-- name: open_pokes
-- Pokes that nobody has handled. Actions of people come before deadlines that passed.
select id, run_id, action, at from ledger.poke where handled_at is null
 order by action = 'deadline passed', id limit 100;

-- name: open_poke_of_run
-- An open poke about an action of a person on this run.
select id from ledger.poke where run_id = %(run_id)s and handled_at is null and action <> 'deadline passed' limit 1;

-- name: mark_poke_handled
-- The poke was handled.
update ledger.poke set handled_at = %(at)s where id = %(id)s;

-- name: delete_handled_pokes
-- Delete pokes that were handled long ago, 5,000 at a time, so that no statement takes long.
delete from ledger.poke where id in
    (select id from ledger.poke where handled_at < %(before)s order by id limit 5000) returning id;

-- name: upsert_heartbeat
-- Record that a periodic job completed a pass.
insert into ledger.beat (name, at, took_seconds, summary) values (%(name)s, %(at)s, %(took_seconds)s, %(summary)s)
on conflict (name) do update
   set at = excluded.at, took_seconds = excluded.took_seconds, summary = excluded.summary;

-- name: heartbeats
-- The last pass of each periodic job.
select name, at, took_seconds, summary from ledger.beat order by name;
