-- Keys are compared byte by byte, whatever language the database was made for: what lies in a
-- folder is then a range of the unique index.
alter table document_assets alter column object_key type text collate "C";
