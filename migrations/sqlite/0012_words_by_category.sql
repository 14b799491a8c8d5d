-- The index of names holds each word with the clinic and the category of its document: who may see
-- some categories only asks for the words of those, and is not made to wait for all the others.
-- Paired with the other engine's file of the same number; forward only.

drop trigger name_search_insert;
drop trigger name_search_update;
drop trigger name_search_delete;
drop table name_search;
delete from name_entries;

-- `clinic:category:word` for each word; null: none is to be found (yet).
alter table document_assets add column name_tokens text generated always as (
    case when state <> 'pending' and file_words <> '' then
        hex(clinic_id) || ':' || category || ':'
            || replace(file_words, ' ', ' ' || hex(clinic_id) || ':' || category || ':')
    end
) virtual;

-- The tokens come ready: split at blanks only.
create virtual table name_search using fts5 (
    tokens, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '-:'"
);

insert into name_entries (document_id)
    select id from document_assets where name_tokens is not null;
insert into name_search (rowid, tokens)
    select number, name_tokens from name_entries join document_assets on id = document_id
    order by number;

create trigger name_search_insert after insert on document_assets
when new.name_tokens is not null
begin
    insert into name_entries (document_id) values (new.id);
    insert into name_search (rowid, tokens)
        select number, new.name_tokens from name_entries where document_id = new.id;
end;
-- One trigger and not one for each half: in which order two of them run is not said anywhere.
create trigger name_search_update
after update of clinic_id, category, state, file_words on document_assets
when new.name_tokens is not old.name_tokens
begin
    insert into name_search (name_search, rowid, tokens)
        select 'delete', number, old.name_tokens from name_entries where document_id = old.id;
    delete from name_entries where document_id = old.id;
    insert into name_entries (document_id) select new.id where new.name_tokens is not null;
    insert into name_search (rowid, tokens)
        select number, new.name_tokens from name_entries where document_id = new.id;
end;
create trigger name_search_delete after delete on document_assets
when old.name_tokens is not null
begin
    insert into name_search (name_search, rowid, tokens)
        select 'delete', number, old.name_tokens from name_entries where document_id = old.id;
    delete from name_entries where document_id = old.id;
end;
