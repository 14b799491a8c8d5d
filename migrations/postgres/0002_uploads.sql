-- Uploads: in parts, by URLs that could be used twice, and what has to be cleared up after them.
-- Paired with the other engine's file of the same number; forward only.

-- The key a URL was signed for, where the object was then moved to a key of its own.
alter table document_assets add column upload_key text;
-- An upload in parts: the store's id of it, and the size of every part but the last, in bytes.
alter table document_assets add column multipart_id text;
alter table document_assets add column part_size bigint;
-- When nothing could come in any more and what was left over was removed; null until then.
alter table document_assets add column upload_closed_at timestamptz;
update document_assets set upload_closed_at = updated_at where state <> 'pending';

create unique index document_assets_upload_key on document_assets (bucket, upload_key)
    where upload_key is not null;
drop index document_assets_deadline;
create index document_assets_open on document_assets (upload_expires_at)
    where upload_closed_at is null;

-- Keys that bytes are being placed under while an upload is confirmed. A row goes with the commit
-- that gives the document this key; what stays was cut off, and upkeep removes the bytes.
create table placings (
    bucket      text not null,
    object_key  text not null,
    clinic_id   uuid not null,
    document_id uuid not null,
    placed_at   timestamptz not null,
    primary key (bucket, object_key)
);
create index placings_age on placings (placed_at);
