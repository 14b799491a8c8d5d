//! Very many made-up documents, quickly: for measuring lists and for tests of their plans.
//!
//! Three clinics; nine documents of ten available, the others spread over the remaining states; one
//! of fifty about no patient; one name in 5,000 holds `rheumatology`, one in three `letter`; one in
//! 5,000 is of a type of its own. Some patients' documents are all of the first tenth of the time.
//! The same on both engines.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

/// Documents of this clinic are made up, and of two more.
pub const CLINIC: &str = "00000000-0000-7000-8000-000000000001";
/// A clinician of that clinic who cares for 30 patients.
pub const CLINICIAN: &str = "clinician";
/// One who cares for up to 2,000.
pub const BUSY_CLINICIAN: &str = "busy-clinician";

/// One who cares for 250 patients without a document of late.
pub const FORMER_CLINICIAN: &str = "former-clinician";

/// Who cares for whom: user, first patient, how many.
const TEAMS: [(&str, i64, i64); 3] =
    [(CLINICIAN, 0, 30), (BUSY_CLINICIAN, 0, 2000), (FORMER_CLINICIAN, 500, 250)];

/// A patient of that clinic.
pub fn patient(number: u32) -> String {
    format!("patient-1-{number}")
}

/// What both engines write alike; `$1` is the number of documents, `$2` of patients a clinic.
macro_rules! insert {
    ($id:literal, $clinic:literal, $at:literal, $numbers:literal) => {
        concat!(
            "insert into document_assets (id, clinic_id, patient_id, owner_user_id, \
             storage_provider, bucket, object_key, content_type, byte_size, sha256_hex, \
             created_at, updated_at, state, upload_expires_at, upload_closed_at, confirmed_at, \
             version_id, etag, category, entity_type, entity_id, temporary, release_state, held_at, \
             file_name, file_name_folded, file_words) select ",
            $id, ", ", $clinic,
            ", case when i % 50 = 7 then null \
               else 'patient-' || (i % 3) || '-' || (i / 3 * 7919 % $2 - case when \
                 i / 3 * 7919 % $2 between 500 and 749 and i > $1 / 10 then 250 else 0 end) \
               end, \
             'user-' || (i * 31 % 200), 'local', 'strongroom', \
             'patients/made-up/2024/01/' || i || '.pdf', \
             case when i % 5000 = 8 then 'application/dicom' when i % 7 = 0 then 'image/png' \
               else 'application/pdf' end, \
             1000 + i * 7919 % 5000000, \
             'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', ",
            $at, ", ", $at, ", state, ", $at, ", ", $at,
            ", case when state in ('pending', 'abandoned', 'refused') then null else ", $at,
            " end, '0123456789abcdef0123456789abcdef', '\"0123456789abcdef-1\"', \
             case i / 3 % 9 when 0 then 'medical-records' when 1 then 'prescriptions' \
               when 2 then 'lab-results' when 3 then 'imaging' when 4 then 'insurance' \
               when 5 then 'consent-forms' when 6 then 'intake-forms' when 7 then 'invoices' \
               else 'other' end, \
             case when i % 100 = 3 then 'appointment' end, \
             case when i % 100 = 3 then 'a-' || (i / 1000) end, \
             i % 2000 = 9, case when i % 500 = 11 then 'held' else 'released' end, case when i % 1000 = 17 then ", $at, " end, \
             words, words, words \
             from (select i, \
               case when i % 1000 = 1 then 'quarantined' when i % 1000 = 2 then 'scanning' \
                 when i % 20 = 3 then 'deleted' when i % 50 = 4 then 'abandoned' \
                 when i % 50 = 14 then 'refused' when i % 200 = 5 then 'pending' \
                 else 'available' end as state, \
               case i / 9 % 3 when 0 then 'letter' when 1 then 'scan' else 'report' end || ' ' || \
               case when i % 5000 = 7 then 'rheumatology' else 'visit' end || ' v ' || i || ' pdf' \
                 as words from ",
            $numbers, ") made"
        )
    };
}

/// Fills a SQLite file. Indexes and triggers are taken away meanwhile: kept up row by row they
/// cost ten times what making them anew does.
pub async fn sqlite(db: &mut SqliteConnection, documents: i64, patients: i64) -> sqlx::Result<()> {
    const INSERT: &str = insert!(
        "unhex('018900000000700080000000' || printf('%08x', i))",
        "unhex('0000000000007000800000000000000' || (1 + (i + 2) % 3))",
        "1704067200000000 + i * 30000000",
        "(with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) \
         select i from n) n"
    );
    let made: Vec<(String, String, String)> = sqlx::query_as(
        "select type, name, sql from sqlite_schema where tbl_name = 'document_assets' \
         and type in ('index', 'trigger') and sql is not null",
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::raw_sql("pragma cache_size = -262144; pragma synchronous = off")
        .execute(&mut *db)
        .await?;
    sqlx::query("begin").execute(&mut *db).await?;
    for (kind, name, _) in &made {
        let drop = AssertSqlSafe(format!("drop {kind} {name}"));
        sqlx::raw_sql(drop).execute(&mut *db).await?;
    }
    sqlx::query(INSERT).bind(documents).bind(patients).execute(&mut *db).await?;
    sqlx::raw_sql(
        "insert into name_entries (document_id) select id from document_assets \
         where name_tokens is not null; \
         insert into name_search (rowid, tokens) select number, name_tokens \
         from name_entries join document_assets on id = document_id order by number; \
         delete from document_counts; delete from document_days; \
         insert into document_counts select clinic_id, category, state, storage_provider, \
         coalesce(storage_class, ''), count(*), sum(byte_size) \
         from document_assets group by 1, 2, 3, 4, 5; \
         insert into document_days select clinic_id, confirmed_at / 86400000000, category, \
         count(*), sum(byte_size) from document_assets where confirmed_at is not null \
         group by 1, 2, 3",
    )
    .execute(&mut *db)
    .await?;
    for (_, _, sql) in made {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await?;
    }
    for (user, first, members) in TEAMS {
        sqlx::query(
            "with recursive n (i) as (select $3 union all select i + 1 from n where i + 1 < $2) \
             insert into care_team (clinic_id, patient_id, user_id, added_at, added_by) \
             select unhex('00000000000070008000000000000001'), 'patient-1-' || i, $1, 0, 'seed' \
             from n",
        )
        .bind(user)
        .bind((first + members).min(patients))
        .bind(first)
        .execute(&mut *db)
        .await?;
    }
    sqlx::raw_sql("commit; analyze; pragma synchronous = full").execute(&mut *db).await?;
    Ok(())
}

/// Fills a PostgreSQL database.
pub async fn postgres(db: &mut PgConnection, documents: i64, patients: i64) -> sqlx::Result<()> {
    const INSERT: &str = insert!(
        "('01890000-0000-7000-8000-0000' || lpad(to_hex(i), 8, '0'))::uuid",
        "('00000000-0000-7000-8000-00000000000' || (1 + (i + 2) % 3))::uuid",
        "timestamptz '2024-01-01 00:00:00+00' + i * interval '30 seconds'",
        "generate_series(1, $1::bigint) as n (i)"
    );
    sqlx::query(INSERT).bind(documents).bind(patients).execute(&mut *db).await?;
    for (user, first, members) in TEAMS {
        sqlx::query(
            "insert into care_team (clinic_id, patient_id, user_id, added_at, added_by) \
             select $3::uuid, 'patient-1-' || i, $1, now(), 'seed' \
             from generate_series($4::bigint, $2::bigint - 1) as n (i)",
        )
        .bind(user)
        .bind((first + members).min(patients))
        .bind(CLINIC.parse::<uuid::Uuid>().unwrap_or_default())
        .bind(first)
        .execute(&mut *db)
        .await?;
    }
    sqlx::raw_sql("vacuum analyze").execute(&mut *db).await?;
    Ok(())
}
