-- Limits on uploads, and webhooks. Paired with the other engine's file of the same number; forward
-- only.

-- Uploads that were begun and not completed, by clinic and caller: counted whenever one begins.
create index document_assets_pending on document_assets (clinic_id, owner_user_id)
    where state = 'pending';

-- Bytes announced for upload by day (days since 1970, UTC), where there is a quota: of each caller,
-- and of the clinic (an empty name).
create table upload_days (
    clinic_id blob not null,
    who       text not null,
    day       integer not null,
    bytes     integer not null,
    primary key (clinic_id, who, day)
);
create index upload_days_age on upload_days (day);

-- Addresses of apps that are told what happens to documents. Of a signing secret only what makes it
-- one of many lies here; it is derived from a secret of the server's own (keys/secrets.rs).
create table webhooks (
    id              blob primary key,
    clinic_id       blob not null,
    url             text not null,
    -- names of events with a space on either side, or ' * '
    events          text not null,
    description     text,
    secret_salt     blob not null,
    old_salt        blob,
    old_salt_until  integer,
    created_at      integer not null,
    created_by      text not null,
    updated_at      integer not null,
    disabled_at     integer,
    disabled_reason text,
    failing_since   integer
);
create index webhooks_clinic on webhooks (clinic_id, created_at);

-- What they are told: written in the commit of the change itself, so that none is lost or made up.
create table webhook_deliveries (
    id            blob primary key,
    webhook_id    blob not null references webhooks (id),
    clinic_id     blob not null,
    event         text not null,
    -- the document; a test has none
    document_id   blob,
    patient_id    text,
    document_state text,
    category      text,
    -- the document that came in its place, or that it replaces
    other_id      blob,
    -- when the document changed: with its id and the event, what makes a change one and the same
    changed_at    integer not null,
    created_at    integer not null,
    state         text not null check (state in ('pending', 'delivered', 'failed')),
    attempts      integer not null,
    due_at        integer not null,
    attempted_at  integer,
    -- the status it was answered with, or what went wrong before there was one
    answer        text,
    unique (webhook_id, document_id, event, changed_at)
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at)
    where state = 'pending';
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, created_at);
create index webhook_deliveries_age on webhook_deliveries (created_at);
