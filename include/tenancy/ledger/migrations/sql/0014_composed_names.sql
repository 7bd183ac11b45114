-- Names and searches in Unicode's composed form (NFC): `Café` is found however its accent was sent, in old rows too.

create or replace function words(said text) returns text[] language sql immutable strict parallel safe
return array_remove(regexp_split_to_array(lower(normalize(said, nfc)), '[[:space:][:punct:]]+'), '');

-- The index holds what the functions said before.
reindex index tenant_by_name;
