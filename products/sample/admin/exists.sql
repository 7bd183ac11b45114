-- Has rows as long as the tenant has an admin.
select from tenant.users where role = 'admin'
