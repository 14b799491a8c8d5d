-- Lists whose documents are few among many: those of no patient in every order, those of a type,
-- and the patients of a care team. Paired with the other engine's file of the same number; forward
-- only.

drop index document_assets_general;
-- The category at the end: it is compared without a look at the row.
create index document_assets_nobody
    on document_assets (clinic_id, state, created_at, id, category) where patient_id is null;
create index document_assets_nobody_name
    on document_assets (clinic_id, file_name_folded, id, category)
    where patient_id is null and state = 'available';
create index document_assets_nobody_size
    on document_assets (clinic_id, byte_size, id, category)
    where patient_id is null and state = 'available';
create index document_assets_type
    on document_assets (clinic_id, state, category, content_type, created_at, id);

drop index care_team_user;
create index care_team_user on care_team (clinic_id, user_id, patient_id);
