-- Uploads whose size nobody knows beforehand.
-- Paired with the other engine's file of the same number; forward only.

-- Whether byte_size is only the most that may come. Confirming pins the real size, and it is 0.
alter table document_assets add column size_is_limit integer not null default 0;
