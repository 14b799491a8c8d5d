-- The ground floor: documents, the trail, who may call. Paired with the other engine's file of
-- the same number; forward only.

-- One row a document, from the moment an upload is allowed until after its bytes are gone.
-- Guide 003's columns carry guide 003's names; the rest is the life they lack.
create table document_assets (
    id                blob primary key,
    patient_id        text,
    clinic_id         blob not null,
    owner_user_id     text not null,
    storage_provider  text not null default 's3',
    bucket            text not null,
    object_key        text not null,
    content_type      text not null,
    byte_size         integer not null check (byte_size > 0),
    sha256_hex        text,
    created_at        integer not null,
    updated_at        integer not null,
    -- where the document is in its life
    state             text not null check (state in ('pending', 'scanning', 'available',
                          'quarantined', 'deleted', 'purged', 'abandoned', 'refused')),
    state_reason      text,
    upload_expires_at integer not null,
    confirmed_at      integer,
    deleted_at        integer,
    deleted_by        text,
    purged_at         integer,
    -- the bytes, pinned when the upload was confirmed
    version_id        text,
    etag              text,
    -- what it is
    category          text not null,
    file_name         text not null,
    -- the same in lower case as Rust knows it: the engines differ beyond ASCII
    file_name_folded  text not null,
    entity_type       text,
    entity_id         text,
    temporary         integer not null default 0,
    released          integer not null default 1,
    supersedes        blob references document_assets (id),
    -- what the law and the scanner say
    scan_verdict      text,
    scanned_at        integer,
    retain_until      integer,
    hold_reason       text,
    held_at           integer,
    held_by           text,
    unique (bucket, object_key),
    check (state in ('pending', 'abandoned', 'refused') or sha256_hex is not null),
    check (state in ('pending', 'abandoned', 'refused') or confirmed_at is not null)
);
create index document_assets_patient on document_assets (clinic_id, patient_id, created_at, id);
create index document_assets_clinic on document_assets (clinic_id, state, created_at, id);
create index document_assets_deadline on document_assets (state, upload_expires_at);
create index document_assets_supersedes on document_assets (supersedes);

-- Who cares for whom: what a clinician may see where the whole clinic may not.
create table care_team (
    clinic_id   blob not null,
    patient_id  text not null,
    user_id     text not null,
    added_at    integer not null,
    added_by    text not null,
    primary key (clinic_id, patient_id, user_id)
);
create index care_team_user on care_team (clinic_id, user_id);

-- The trail. Rows are added, never changed or removed: the triggers below see to it.
create table audit_events (
    seq          integer primary key autoincrement,
    id           blob not null unique,
    at           integer not null,
    clinic_id    blob,
    action       text not null,
    outcome      text not null check (outcome in ('granted', 'denied', 'failed')),
    code         text,
    actor_kind   text not null,
    actor_id     text not null,
    actor_roles  text not null,
    on_behalf_of text,
    behalf_role  text,
    target_kind  text,
    target_id    text,
    patient_id   text,
    request_id   text not null,
    remote_addr  text,
    detail       text
);
create index audit_events_clinic on audit_events (clinic_id, seq);
create index audit_events_target on audit_events (target_id, seq);
create index audit_events_patient on audit_events (clinic_id, patient_id, seq);

-- API keys: only a hash is kept.
create table api_keys (
    id          blob primary key,
    name        text not null,
    secret_hash blob not null,
    role        text not null,
    clinic_id   blob,
    created_at  integer not null,
    expires_at  integer,
    revoked_at  integer
);

-- People who sign in to the pages.
create table users (
    name            text primary key,
    password_hash   text not null,
    role            text not null,
    clinic_id       blob not null,
    created_at      integer not null,
    disabled_at     integer,
    failed_attempts integer not null default 0,
    locked_until    integer
);

create table sessions (
    id           blob primary key,
    secret_hash  blob not null,
    user_name    text not null references users (name),
    created_at   integer not null,
    last_seen_at integer not null,
    ended_at     integer
);

-- Keys the server makes for itself (token signing, S3 credentials, pseudonyms), each sealed by
-- the master key.
create table secrets (
    name       text primary key,
    sealed     blob not null,
    created_at integer not null
);

create trigger audit_events_no_update before update on audit_events
begin select raise(abort, 'the audit trail is append-only'); end;
-- `insert or replace` takes a row away without asking the delete trigger. Two questions and not
-- one with `or`: each finds its row by an index, together they were answered by a scan.
create trigger audit_events_no_replace before insert on audit_events
when exists (select 1 from audit_events where id = new.id)
  or exists (select 1 from audit_events where seq = new.seq)
begin select raise(abort, 'the audit trail is append-only'); end;
create trigger audit_events_no_delete before delete on audit_events
begin select raise(abort, 'the audit trail is append-only'); end;
