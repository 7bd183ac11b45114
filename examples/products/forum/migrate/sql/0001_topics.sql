create table topic (
    id bigint generated always as identity primary key,
    title text not null,
    opened_at timestamptz not null default now()
);
