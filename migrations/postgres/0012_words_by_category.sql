-- The index of names holds each word with the clinic and the category of its document: who may see
-- some categories only asks for the words of those, and is not made to wait for all the others.
-- Paired with the other engine's file of the same number; forward only.

drop index document_assets_words;

-- `clinic:category:word` for each word, the clinic in hexadecimal capitals as on the other engine;
-- null: none is to be found (yet). No parser, no dictionary.
create function name_tokens(clinic_id uuid, category text, words text) returns tsvector
language sql immutable parallel safe
return array_to_tsvector(string_to_array(
    upper(replace(clinic_id::text, '-', '')) || ':' || category || ':'
        || replace(
            nullif(words, ''), ' ',
            ' ' || upper(replace(clinic_id::text, '-', '')) || ':' || category || ':'
        ),
    ' '
));

create index document_assets_words on document_assets
    using gin (name_tokens(clinic_id, category, file_words)) where state <> 'pending';
