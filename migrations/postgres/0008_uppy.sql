-- Tickets for uploads: for pages that can send neither a header nor a cookie.
-- Paired with the other engine's file of the same number; forward only.

-- What a ticket was made for, by whom, and how many uploads have begun with it.
create table upload_tickets (
    id            uuid primary key,
    secret_hash   bytea not null,
    clinic_id     uuid not null,
    caller_kind   text not null,
    user_id       text not null,
    roles         text not null,
    patients      text not null,
    acting_user   text,
    acting_role   text,
    api_key_id    uuid,
    session_id    uuid,
    patient_id    text,
    category      text,
    entity_type   text,
    entity_id     text,
    max_size      bigint,
    max_files     bigint not null,
    files         bigint not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null
);
create index upload_tickets_end on upload_tickets (expires_at);

-- The uploads that have begun with a ticket: those it reaches.
create table upload_ticket_files (
    ticket_id   uuid not null,
    document_id uuid not null,
    primary key (ticket_id, document_id)
);
