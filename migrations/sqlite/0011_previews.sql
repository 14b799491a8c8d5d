-- Previews: pictures of documents that are kept beside them.
-- Paired with the other engine's file of the same number; forward only.

-- One row a picture: where it is, or why none can be made. What another maker has made is made
-- again. Rows go when the bytes of their document are destroyed.
create table document_previews (
    clinic_id        blob not null,
    document_id      blob not null,
    variant          text not null,
    maker            integer not null,
    storage_provider text not null,
    bucket           text not null,
    object_key       text,
    version_id       text,
    byte_size        integer not null,
    sha256_hex       text,
    facts            text not null,
    unfit            text,
    made_at          integer not null,
    primary key (document_id, variant)
);
create unique index document_previews_key on document_previews (bucket, object_key);
