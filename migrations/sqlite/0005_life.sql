-- The rest of a document's life: release to the patient, one successor, the way out.
-- Paired with the other engine's file of the same number; forward only.

-- Whether the patient may see it: not yet (held), yes (released), not any more (withdrawn).
alter table document_assets add column release_state text not null default 'released'
    check (release_state in ('held', 'released', 'withdrawn'));
update document_assets set release_state = 'held' where not released;
-- The same as the policy asks for it; it cannot say anything else.
alter table document_assets drop column released;
alter table document_assets add column released integer
    generated always as (release_state = 'released') virtual;

-- Versions are a chain: a document has one successor at most. Where there were more, each one
-- takes the place behind the one before it.
create table forks as
    select d.id, (select s.id from document_assets s where s.supersedes = d.supersedes
        and s.state in ('scanning', 'available', 'quarantined') and s.id < d.id
        order by s.id desc limit 1) as follows
    from document_assets d where d.supersedes is not null
        and d.state in ('scanning', 'available', 'quarantined');
update document_assets
    set supersedes = (select follows from forks where forks.id = document_assets.id)
    where id in (select id from forks where follows is not null);
drop table forks;
drop index document_assets_supersedes;
create unique index document_assets_successor on document_assets (supersedes)
    where supersedes is not null and state in ('scanning', 'available', 'quarantined');

-- What upkeep looks for: purged and the bytes still there, the trash, what is temporary.
create index document_assets_erasing on document_assets (storage_provider, bucket, id)
    where state = 'purged' and purged_at is null;
create index document_assets_trash on document_assets (storage_provider, bucket, deleted_at)
    where state = 'deleted';
create index document_assets_temporary on document_assets (storage_provider, bucket, confirmed_at)
    where temporary;
