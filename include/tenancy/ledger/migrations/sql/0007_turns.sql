-- Turns: what waits in a queue or for a paused DAG is no stall, and its clocks begin anew when that is over.

alter table tenant add column turn_since timestamptz;  -- when it last ceased to wait for its turn; null: it never did
