-- The first tables. Every tenant's database gets them, in the schema `tenant`.
-- Write each further change as a file of its own, such as 0002_authors.sql. Never change a file that a tenant has.
create table notes (
    id         bigint generated always as identity primary key,
    body       text not null,
    created_at timestamptz not null default now()
);
