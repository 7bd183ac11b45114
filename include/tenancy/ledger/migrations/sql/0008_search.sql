-- Search by the beginning of a slug, of an id, or of words of a name: without pg_trgm, which not every server has.

-- Not by to_tsvector, whose parser has ideas of its own about tags, hosts and numbers.
create function words(said text) returns text[] language sql immutable strict parallel safe
return array_remove(regexp_split_to_array(lower(said), '[[:space:][:punct:]]+'), '');

-- In PL/pgSQL, since PostgreSQL would inline SQL and forget what it costs: 2 µs, a hundred times a comparison.
create function name_words(name text) returns tsvector language plpgsql immutable strict parallel safe cost 100
as $$ begin return array_to_tsvector(ledger.words(name)); end $$;
comment on function name_words is 'Each word of a name, in small letters.';

create function words_begin(said text) returns tsquery language sql immutable strict parallel safe
return (select string_agg(format('''%s'':*', word), ' & ')::tsquery from unnest(words(said)) as word);
comment on function words_begin is 'Fits name_words() in which each of these begins a word. Null when there are none.';

create index tenant_by_slug on tenant (slug text_pattern_ops);
-- Without fastupdate: a search must not read first what others left for later, and names hardly change.
create index tenant_by_name on tenant using gin (name_words(name)) with (fastupdate = off);
