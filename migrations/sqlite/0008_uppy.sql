-- Tickets for uploads: for pages that can send neither a header nor a cookie.
-- Paired with the other engine's file of the same number; forward only.

-- What a ticket was made for, by whom, and how many uploads have begun with it.
create table upload_tickets (
    id            blob primary key,
    secret_hash   blob not null,
    clinic_id     blob not null,
    caller_kind   text not null,
    user_id       text not null,
    roles         text not null,
    patients      text not null,
    acting_user   text,
    acting_role   text,
    api_key_id    blob,
    session_id    blob,
    patient_id    text,
    category      text,
    entity_type   text,
    entity_id     text,
    max_size      integer,
    max_files     integer not null,
    files         integer not null,
    created_at    integer not null,
    expires_at    integer not null
);
create index upload_tickets_end on upload_tickets (expires_at);

-- The uploads that have begun with a ticket: those it reaches.
create table upload_ticket_files (
    ticket_id   blob not null,
    document_id blob not null,
    primary key (ticket_id, document_id)
);
