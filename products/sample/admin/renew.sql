-- Puts this digest in the place of the former, unless that invitation was used. Again is the same again.
with renewed as (
    update tenant.users
       set invitation_digest = %(digest)s, invitation_expires_at = pg_catalog.now() + interval '7 days'
     where role = 'admin' and email = %(email)s and invitation_used_at is null
       and invitation_digest is distinct from %(digest)s
    returning id)
insert into tenant.audit (actor, what) select 'platform', 'tenant.admin.invited_again' from renewed
