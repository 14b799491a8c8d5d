-- When somebody decided whether the patient may see a document; null: nobody has, the category's
-- rule holds. What patients hand in themselves is decided by that: when it was created.
-- Paired with the other engine's file of the same number; forward only.
alter table document_assets add column release_set_at timestamptz;
