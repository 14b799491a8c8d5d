-- Webhooks that fail, and who began an upload. Paired with the other engine's file of the same
-- number; forward only. Here a foreign key stays that the other engine gives up: one transaction
-- writes at a time, so no message is added to a webhook that is being removed.

-- When a message was last not taken, and until when nothing is sent after a receiver was away.
alter table webhooks add column failed_at integer;
alter table webhooks add column rests_until integer;

-- The service whose credential an upload was begun with, whoever it acted for: it is counted too.
alter table document_assets add column begun_by text;
create index document_assets_pending_by on document_assets (clinic_id, begun_by)
    where state = 'pending' and begun_by is not null;
