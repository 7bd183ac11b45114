-- Products: whose tenant it is, for lists, metrics and incident groups.

alter table tenant
    add column product text not null default '';       -- '' where no attempt has recorded one
alter table class_issue
    add column product text not null default '';       -- a part of the signature, too

-- Rows from before, as their facts fold.
update tenant as t set product = f.product
  from (select distinct on (stream) stream, data -> 'product' ->> 'name' as product from fact
         where kind = 'tenant.provisioning.started' and coalesce(data -> 'product' ->> 'name', '') <> ''
         order by stream, seq desc) as f
 where f.stream = t.id;
