-- Scanning: what waits for the scanner, and until when nobody else is to take it up. Paired with
-- the other engine's file of the same number; forward only.

-- How often a scan has failed for a reason of this file.
alter table document_assets add column scan_attempts integer not null default 0;
-- When a document in the state scanning is to be taken up; while it is being scanned, when whoever
-- does that is taken for dead.
alter table document_assets add column scan_next_at integer;
update document_assets set scan_next_at = updated_at where state = 'scanning';

create index document_assets_scan on document_assets (scan_next_at) where state = 'scanning';
