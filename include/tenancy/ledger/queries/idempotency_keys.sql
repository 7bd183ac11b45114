-- Idempotency keys of requests and the responses to them.

-- name: claim_answer
-- The first request with this key continues. If it died before it was performed, its repetition takes over.
insert into ledger.answer as a (actor, key, request, at) values (%(actor)s, %(key)s, %(request)s, %(now)s)
on conflict (actor, key) do update set at = excluded.at
  where a.request = excluded.request and a.status is null and a.body is null and a.at < %(dead_before)s
returning key;

-- name: find_answer
-- What is known of this key.
select request, status, body from ledger.answer where actor = %(actor)s and key = %(key)s;

-- name: mark_answer_performed
-- In the transaction of the facts that the request led to: it is never performed again.
-- Until the response is stored, the body names the tenant.
update ledger.answer set body = jsonb_build_object('tenant', %(tenant)s::text)
 where actor = %(actor)s and key = %(key)s and status is null;

-- name: store_answer
-- Store the response to the first request with this key.
update ledger.answer set status = %(status)s, body = %(body)s where actor = %(actor)s and key = %(key)s;

-- name: release_answer
-- The key can be used again, unless its request was performed.
delete from ledger.answer where actor = %(actor)s and key = %(key)s and status is null and body is null;

-- name: delete_old_answers
-- Keys are kept for a day. Each new key deletes a few of the oldest.
delete from ledger.answer where (actor, key) in
    (select actor, key from ledger.answer where at < %(before)s order by at limit 20);
