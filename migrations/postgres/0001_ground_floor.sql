-- The ground floor: documents, the trail, who may call. Paired with the other engine's file of
-- the same number; forward only.

-- One row a document, from the moment an upload is allowed until after its bytes are gone.
-- Guide 003's columns carry guide 003's names; the rest is the life they lack.
create table document_assets (
    id                uuid primary key,
    patient_id        text,
    clinic_id         uuid not null,
    owner_user_id     text not null,
    storage_provider  text not null default 's3',
    bucket            text not null,
    object_key        text not null,
    content_type      text not null,
    byte_size         bigint not null check (byte_size > 0),
    sha256_hex        text,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    -- where the document is in its life
    state             text not null check (state in ('pending', 'scanning', 'available',
                          'quarantined', 'deleted', 'purged', 'abandoned', 'refused')),
    state_reason      text,
    upload_expires_at timestamptz not null,
    confirmed_at      timestamptz,
    deleted_at        timestamptz,
    deleted_by        text,
    purged_at         timestamptz,
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
    temporary         boolean not null default false,
    released          boolean not null default true,
    supersedes        uuid references document_assets (id),
    -- what the law and the scanner say
    scan_verdict      text,
    scanned_at        timestamptz,
    retain_until      timestamptz,
    hold_reason       text,
    held_at           timestamptz,
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
    clinic_id   uuid not null,
    patient_id  text not null,
    user_id     text not null,
    added_at    timestamptz not null,
    added_by    text not null,
    primary key (clinic_id, patient_id, user_id)
);
create index care_team_user on care_team (clinic_id, user_id);

-- The trail. Rows are added, never changed or removed: the triggers below see to it.
create table audit_events (
    seq          bigint generated always as identity primary key,
    id           uuid not null unique,
    at           timestamptz not null,
    clinic_id    uuid,
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
    id          uuid primary key,
    name        text not null,
    secret_hash bytea not null,
    role        text not null,
    clinic_id   uuid,
    created_at  timestamptz not null,
    expires_at  timestamptz,
    revoked_at  timestamptz
);

-- People who sign in to the pages.
create table users (
    name            text primary key,
    password_hash   text not null,
    role            text not null,
    clinic_id       uuid not null,
    created_at      timestamptz not null,
    disabled_at     timestamptz,
    failed_attempts bigint not null default 0,
    locked_until    timestamptz
);

create table sessions (
    id           uuid primary key,
    secret_hash  bytea not null,
    user_name    text not null references users (name),
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at     timestamptz
);

-- Keys the server makes for itself (token signing, S3 credentials, pseudonyms), each sealed by
-- the master key.
create table secrets (
    name       text primary key,
    sealed     bytea not null,
    created_at timestamptz not null
);

create function audit_events_append_only() returns trigger language plpgsql as $$
begin raise exception 'the audit trail is append-only'; end $$;
create trigger audit_events_no_update before update or delete on audit_events
for each row execute function audit_events_append_only();
create trigger audit_events_no_truncate before truncate on audit_events
for each statement execute function audit_events_append_only();
