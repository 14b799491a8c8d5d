-- Lists and figures: words of file names, an index for every order, and counts that are kept as
-- documents change. Paired with the other engine's file of the same number; forward only.

-- The words of the file name as they are looked for (src/documents/names.rs); null: upkeep has yet
-- to put them there.
alter table document_assets add column file_words text;
-- The storage class the object was in when it was confirmed; null: the store's ordinary one.
alter table document_assets add column storage_class text;
-- Names are ordered by their bytes, as on the other engine, whatever the database's language.
alter table document_assets alter column file_name_folded type text collate "C";

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

-- The words of every name whose upload is over. They come ready: no parser, no dictionary.
create index document_assets_words on document_assets
    using gin (array_to_tsvector(string_to_array(nullif(file_words, ''), ' ')))
    where state <> 'pending';

-- How many documents there are and how large they are, by what they are.
create table document_counts (
    clinic_id        uuid not null,
    category         text not null,
    state            text not null,
    storage_provider text not null,
    storage_class    text not null,
    documents        bigint not null,
    bytes            bigint not null,
    primary key (clinic_id, category, state, storage_provider, storage_class)
);
-- How many were confirmed on a day (days since 1970, UTC), whatever became of them.
create table document_days (
    clinic_id uuid not null,
    day       bigint not null,
    category  text not null,
    documents bigint not null,
    bytes     bigint not null,
    primary key (clinic_id, day, category)
);
-- What is still to be added to the two. Writers only add rows here, so that none waits for the
-- row of its clinic and category that another has changed; upkeep folds them in.
create table document_count_deltas (
    id               bigint generated always as identity primary key,
    clinic_id        uuid not null,
    category         text not null,
    state            text not null,
    storage_provider text not null,
    storage_class    text not null,
    documents        bigint not null,
    bytes            bigint not null
);
create table document_day_deltas (
    id        bigint generated always as identity primary key,
    clinic_id uuid not null,
    day       bigint not null,
    category  text not null,
    documents bigint not null,
    bytes     bigint not null
);

insert into document_counts
    select clinic_id, category, state, storage_provider, '', count(*), sum(byte_size)
    from document_assets group by clinic_id, category, state, storage_provider;
insert into document_days
    select clinic_id, floor(extract(epoch from confirmed_at) / 86400)::bigint, category, count(*),
        sum(byte_size)
    from document_assets where confirmed_at is not null group by 1, 2, 3;

create function document_counts_insert() returns trigger language plpgsql as $$
begin
    insert into document_count_deltas
        (clinic_id, category, state, storage_provider, storage_class, documents, bytes)
        select clinic_id, category, state, storage_provider, coalesce(storage_class, ''),
            count(*), sum(byte_size)
        from new_rows group by 1, 2, 3, 4, 5;
    insert into document_day_deltas (clinic_id, day, category, documents, bytes)
        select clinic_id, floor(extract(epoch from confirmed_at) / 86400)::bigint, category,
            count(*), sum(byte_size)
        from new_rows where confirmed_at is not null group by 1, 2, 3;
    return null;
end $$;
create function document_counts_delete() returns trigger language plpgsql as $$
begin
    insert into document_count_deltas
        (clinic_id, category, state, storage_provider, storage_class, documents, bytes)
        select clinic_id, category, state, storage_provider, coalesce(storage_class, ''),
            -count(*), -sum(byte_size)
        from old_rows group by 1, 2, 3, 4, 5;
    insert into document_day_deltas (clinic_id, day, category, documents, bytes)
        select clinic_id, floor(extract(epoch from confirmed_at) / 86400)::bigint, category,
            -count(*), -sum(byte_size)
        from old_rows where confirmed_at is not null group by 1, 2, 3;
    return null;
end $$;
create function document_counts_update() returns trigger language plpgsql as $$
begin
    insert into document_count_deltas
        (clinic_id, category, state, storage_provider, storage_class, documents, bytes)
        select clinic_id, category, state, storage_provider, coalesce(storage_class, ''),
            sum(n), sum(n * byte_size)
        from (
            select 1 as n, clinic_id, category, state, storage_provider, storage_class, byte_size
            from new_rows
            union all
            select -1, clinic_id, category, state, storage_provider, storage_class, byte_size
            from old_rows
        ) changed
        group by 1, 2, 3, 4, 5 having sum(n) <> 0 or sum(n * byte_size) <> 0;
    insert into document_day_deltas (clinic_id, day, category, documents, bytes)
        select clinic_id, floor(extract(epoch from confirmed_at) / 86400)::bigint, category,
            sum(n), sum(n * byte_size)
        from (
            select 1 as n, clinic_id, confirmed_at, category, byte_size from new_rows
            union all
            select -1, clinic_id, confirmed_at, category, byte_size from old_rows
        ) changed
        where confirmed_at is not null
        group by 1, 2, 3 having sum(n) <> 0 or sum(n * byte_size) <> 0;
    return null;
end $$;
create trigger document_counts_insert after insert on document_assets
    referencing new table as new_rows
    for each statement execute function document_counts_insert();
create trigger document_counts_delete after delete on document_assets
    referencing old table as old_rows
    for each statement execute function document_counts_delete();
create trigger document_counts_update after update on document_assets
    referencing old table as old_rows new table as new_rows
    for each statement execute function document_counts_update();
