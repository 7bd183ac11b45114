-- One statement, in the transaction of the migrations. Again is the same again: an invitation that exists is kept.
with account as (
    insert into tenant.accounts (slug, name) values (%(slug)s, %(name)s)
    on conflict (slug) do update set name = excluded.name
    returning id),
admin as (
    insert into tenant.users (account_id, email, role, invitation_digest, invitation_expires_at)
    select id, %(email)s, 'admin', %(digest)s, pg_catalog.now() + interval '7 days' from account
    on conflict (email) do nothing)
insert into tenant.audit (actor, what)
select 'platform', 'tenant.admin.invited'
 where not exists (select from tenant.audit where what = 'tenant.admin.invited')
