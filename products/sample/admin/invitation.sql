-- The invitation of this admin: its digest, when it was used (null: not yet) and when it expires. No row: none.
select invitation_digest as digest, invitation_used_at as used_at, invitation_expires_at as expires_at
  from tenant.users
 where role = 'admin' and email = %(email)s and invitation_digest is not null
