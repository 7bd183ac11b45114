-- Findings of the drift check.

-- name: open_findings
-- Open findings, oldest first.
select what, kind, f.name, f.region, tenant_id, said, opened_at, confirmed_at, slug
  from ledger.finding as f left join ledger.tenant as t on t.id = tenant_id
 where gone_at is null and (%(tenant_id)s::uuid is null or tenant_id = %(tenant_id)s)
 order by opened_at, kind, f.name, f.region limit %(limit)s;

-- name: confirm_findings
-- These differences exist: open new findings, and confirm the ones that are open already.
insert into ledger.finding as f (what, kind, name, region, tenant_id, said, opened_at, confirmed_at)
select what, kind, name, region, tenant_id, said, %(now)s, %(now)s
  from jsonb_to_recordset(%(findings)s)
       as g (what text, kind text, name text, region text, tenant_id uuid, said text)
on conflict (what, kind, name, region) where gone_at is null do update
   set confirmed_at = greatest(f.opened_at, excluded.confirmed_at), said = excluded.said,
       tenant_id = excluded.tenant_id;

-- name: close_findings
-- These differences are gone.
update ledger.finding as f set gone_at = %(now)s
  from jsonb_to_recordset(%(findings)s) as g (what text, kind text, name text, region text)
 where f.gone_at is null and (f.what, f.kind, f.name, f.region) = (g.what, g.kind, g.name, g.region);

-- name: delete_old_findings
-- Delete what was closed long ago. The audit log is kept elsewhere.
delete from ledger.finding where gone_at < %(before)s;
