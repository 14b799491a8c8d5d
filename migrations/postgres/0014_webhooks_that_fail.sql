-- Webhooks that fail, and who began an upload. Paired with the other engine's file of the same
-- number; forward only.

-- When a message was last not taken, and until when nothing is sent after a receiver was away.
alter table webhooks add column failed_at timestamptz;
alter table webhooks add column rests_until timestamptz;

-- A webhook may be removed while documents change: with a foreign key one of the two would fail.
-- A message whose webhook is gone is sent to nobody and forgotten with its age.
alter table webhook_deliveries drop constraint webhook_deliveries_webhook_id_fkey;

-- The service whose credential an upload was begun with, whoever it acted for: it is counted too.
alter table document_assets add column begun_by text;
create index document_assets_pending_by on document_assets (clinic_id, begun_by)
    where state = 'pending' and begun_by is not null;
