-- Lists and figures: words of file names, an index for every order, and counts that are kept as
-- documents change. Paired with the other engine's file of the same number; forward only.

-- The words of the file name as they are looked for (src/documents/names.rs); null: upkeep has yet
-- to put them there.
alter table document_assets add column file_words text;
-- The storage class the object was in when it was confirmed; null: the store's ordinary one.
alter table document_assets add column storage_class text;

create index document_assets_category
    on document_assets (clinic_id, state, category, created_at, id);
create index document_assets_name
    on document_assets (clinic_id, category, file_name_folded, id) where state = 'available';
create index document_assets_size
    on document_assets (clinic_id, category, byte_size, id) where state = 'available';
create index document_assets_general
    on document_assets (clinic_id, created_at, id) where patient_id is null;
create index document_assets_owner
    on document_assets (clinic_id, owner_user_id, created_at, id) where state = 'available';
create index document_assets_entity
    on document_assets (clinic_id, entity_type, entity_id, created_at, id)
    where entity_type is not null;
create index document_assets_held
    on document_assets (clinic_id, created_at, id) where held_at is not null;
create index document_assets_passing
    on document_assets (clinic_id, created_at, id) where temporary;
create index document_assets_unreleased
    on document_assets (clinic_id, created_at, id) where not released;
create index document_assets_wordless on document_assets (id) where file_words is null;

-- The words of every name whose upload is over, with a number of their own: row numbers of
-- `document_assets` are SQLite's, and a vacuum changes them.
create table name_entries (
    number      integer primary key,
    document_id blob not null unique
);
-- The words come ready: `ascii` splits them at blanks only and leaves other letters alone.
create virtual table name_search
    using fts5 (words, content = '', columnsize = 0, detail = none, tokenize = 'ascii');

create trigger name_search_insert after insert on document_assets
when new.state <> 'pending' and new.file_words is not null
begin
    insert into name_entries (document_id) values (new.id);
    insert into name_search (rowid, words)
        select number, new.file_words from name_entries where document_id = new.id;
end;
-- One trigger and not one for each half: in which order two of them run is not said anywhere.
create trigger name_search_update after update of state, file_words on document_assets
when new.file_words is not old.file_words
    or (new.file_words is not null and (old.state = 'pending') <> (new.state = 'pending'))
begin
    insert into name_search (name_search, rowid, words)
        select 'delete', number, old.file_words from name_entries where document_id = old.id;
    delete from name_entries where document_id = old.id;
    insert into name_entries (document_id)
        select new.id where new.state <> 'pending' and new.file_words is not null;
    insert into name_search (rowid, words)
        select number, new.file_words from name_entries where document_id = new.id;
end;
create trigger name_search_delete after delete on document_assets
when old.state <> 'pending' and old.file_words is not null
begin
    insert into name_search (name_search, rowid, words)
        select 'delete', number, old.file_words from name_entries where document_id = old.id;
    delete from name_entries where document_id = old.id;
end;

-- How many documents there are and how large they are, by what they are.
create table document_counts (
    clinic_id        blob not null,
    category         text not null,
    state            text not null,
    storage_provider text not null,
    storage_class    text not null,
    documents        integer not null,
    bytes            integer not null,
    primary key (clinic_id, category, state, storage_provider, storage_class)
) without rowid;
-- How many were confirmed on a day (days since 1970, UTC), whatever became of them.
create table document_days (
    clinic_id blob not null,
    day       integer not null,
    category  text not null,
    documents integer not null,
    bytes     integer not null,
    primary key (clinic_id, day, category)
) without rowid;
-- What is still to be added to the two; here only repairs, since one writer waits for nobody.
create table document_count_deltas (
    id               integer primary key,
    clinic_id        blob not null,
    category         text not null,
    state            text not null,
    storage_provider text not null,
    storage_class    text not null,
    documents        integer not null,
    bytes            integer not null
);
create table document_day_deltas (
    id        integer primary key,
    clinic_id blob not null,
    day       integer not null,
    category  text not null,
    documents integer not null,
    bytes     integer not null
);

insert into document_counts
    select clinic_id, category, state, storage_provider, '', count(*), sum(byte_size)
    from document_assets group by clinic_id, category, state, storage_provider;
insert into document_days
    select clinic_id, confirmed_at / 86400000000, category, count(*), sum(byte_size)
    from document_assets where confirmed_at is not null
    group by clinic_id, confirmed_at / 86400000000, category;

create trigger document_counts_insert after insert on document_assets
begin
    insert into document_counts
        values (new.clinic_id, new.category, new.state, new.storage_provider,
                coalesce(new.storage_class, ''), 1, new.byte_size)
        on conflict do update
        set documents = documents + 1, bytes = bytes + excluded.bytes;
end;
create trigger document_counts_delete after delete on document_assets
begin
    insert into document_counts
        values (old.clinic_id, old.category, old.state, old.storage_provider,
                coalesce(old.storage_class, ''), -1, -old.byte_size)
        on conflict do update
        set documents = documents - 1, bytes = bytes + excluded.bytes;
end;
create trigger document_counts_update
after update of clinic_id, category, state, storage_provider, storage_class, byte_size
on document_assets
when (old.clinic_id, old.category, old.state, old.storage_provider, old.storage_class,
      old.byte_size)
    is not (new.clinic_id, new.category, new.state, new.storage_provider, new.storage_class,
            new.byte_size)
begin
    insert into document_counts
        values (old.clinic_id, old.category, old.state, old.storage_provider,
                coalesce(old.storage_class, ''), -1, -old.byte_size)
        on conflict do update
        set documents = documents - 1, bytes = bytes + excluded.bytes;
    insert into document_counts
        values (new.clinic_id, new.category, new.state, new.storage_provider,
                coalesce(new.storage_class, ''), 1, new.byte_size)
        on conflict do update
        set documents = documents + 1, bytes = bytes + excluded.bytes;
end;
create trigger document_days_insert after insert on document_assets
when new.confirmed_at is not null
begin
    insert into document_days
        values (new.clinic_id, new.confirmed_at / 86400000000, new.category, 1, new.byte_size)
        on conflict do update
        set documents = documents + 1, bytes = bytes + excluded.bytes;
end;
create trigger document_days_delete after delete on document_assets
when old.confirmed_at is not null
begin
    insert into document_days
        values (old.clinic_id, old.confirmed_at / 86400000000, old.category, -1, -old.byte_size)
        on conflict do update
        set documents = documents - 1, bytes = bytes + excluded.bytes;
end;
create trigger document_days_leave
after update of clinic_id, category, confirmed_at, byte_size on document_assets
when old.confirmed_at is not null
    and (old.clinic_id, old.category, old.confirmed_at, old.byte_size)
    is not (new.clinic_id, new.category, new.confirmed_at, new.byte_size)
begin
    insert into document_days
        values (old.clinic_id, old.confirmed_at / 86400000000, old.category, -1, -old.byte_size)
        on conflict do update
        set documents = documents - 1, bytes = bytes + excluded.bytes;
end;
create trigger document_days_enter
after update of clinic_id, category, confirmed_at, byte_size on document_assets
when new.confirmed_at is not null
    and (old.clinic_id, old.category, old.confirmed_at, old.byte_size)
    is not (new.clinic_id, new.category, new.confirmed_at, new.byte_size)
begin
    insert into document_days
        values (new.clinic_id, new.confirmed_at / 86400000000, new.category, 1, new.byte_size)
        on conflict do update
        set documents = documents + 1, bytes = bytes + excluded.bytes;
end;
