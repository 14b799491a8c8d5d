-- Uploads whose size nobody knows beforehand.
-- Paired with the other engine's file of the same number; forward only.

-- Whether byte_size is only the most that may come. Confirming pins the real size, and it is false.
alter table document_assets add column size_is_limit boolean not null default false;
