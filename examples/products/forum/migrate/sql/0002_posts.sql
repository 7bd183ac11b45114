create table post (
    id bigint generated always as identity primary key,
    topic_id bigint not null references topic,
    body text not null
);
insert into topic (title) values ('Welcome');
