-- The index of the sealed local store. The files hold sealed bytes under opaque names; what they
-- are, and the keys to open them, is here. Destroying a row destroys the object.

-- One row a version of an object, delete markers among them; a larger seq is newer.
create table versions (
    seq          integer primary key autoincrement,
    key          text not null,
    version_id   text not null unique,
    latest       integer not null default 1,
    marker       integer not null default 0,
    size         integer not null default 0,
    etag         text not null default '',
    content_type text,
    modified     integer not null,
    sha256       blob,
    -- what a client asked to be kept beside SHA-256: JSON, algorithm → base64
    checksums    text,
    -- 'COMPOSITE' where the checksums are of the parts' checksums
    composite    integer not null default 0,
    -- headers and user metadata, sealed under the data key
    attributes   blob,
    -- the data key, wrapped by the key ring and bound to this row
    wrapped_key  blob,
    -- the one sealed file; null where the rows of `segments` name them
    file_id      blob
);
create index versions_key on versions (key, seq desc);
create unique index versions_latest on versions (key) where latest = 1;
create index versions_file on versions (file_id) where file_id is not null;
-- a new version of a key takes the place of the one before
create trigger versions_newest before insert on versions
begin update versions set latest = 0 where key = new.key and latest = 1; end;

-- The files of a version that came in parts, in order.
create table segments (
    version_seq integer not null references versions (seq) on delete cascade,
    number      integer not null,
    file_id     blob not null,
    size        integer not null,
    primary key (version_seq, number)
) without rowid;
create index segments_file on segments (file_id);

-- Multipart uploads that are neither complete nor aborted.
create table uploads (
    upload_id    text primary key,
    key          text not null,
    created      integer not null,
    content_type text,
    attributes   blob,
    wrapped_key  blob not null,
    -- checksum algorithm and whether it covers the whole object, where the client named one
    algorithm    text,
    full_object  integer not null default 0
);
create index uploads_key on uploads (key, upload_id);

create table parts (
    upload_id text not null references uploads (upload_id) on delete cascade,
    number    integer not null,
    file_id   blob not null,
    size      integer not null,
    etag      text not null,
    modified  integer not null,
    sha256    blob not null,
    checksums text,
    primary key (upload_id, number)
) without rowid;
create index parts_file on parts (file_id);
