//! The SQL of quotas.

use crate::access::Audited;
use crate::db::{Connection, DbError, Tx, execute, fetch_optional};
use crate::ids::{ClinicId, DocumentId, UserId};

/// How many uploads a caller has open, as whom they are or as the service that began them.
pub async fn open_uploads(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    owner: &UserId,
    service: Option<&UserId>,
) -> Result<i64, DbError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "select count(*) from document_assets \
         where clinic_id = $1 and owner_user_id = $2 and state = 'pending' union all \
         select count(*) from document_assets \
         where clinic_id = $1 and begun_by = $3 and state = 'pending' order by 1 desc limit 1",
        clinic,
        owner,
        service,
    )?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Counts bytes towards a day, if they fit; whether they did.
pub async fn charge_day(
    tx: &mut Audited,
    (clinic, who): (ClinicId, &str),
    day: i64,
    bytes: u64,
    limit: u64,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "insert into upload_days (clinic_id, who, day, bytes) values ($1, $2, $3, $4) \
         on conflict (clinic_id, who, day) do update \
         set bytes = upload_days.bytes + excluded.bytes \
         where upload_days.bytes + excluded.bytes <= $5",
        clinic,
        who,
        day,
        i64::try_from(bytes).unwrap_or(i64::MAX),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )?;
    Ok(changed == 1)
}

/// Gives bytes of a day back.
pub async fn give_back(
    tx: &mut Audited,
    (clinic, who): (ClinicId, &str),
    day: i64,
    bytes: u64,
) -> Result<(), DbError> {
    execute!(
        *tx,
        "update upload_days set bytes = case when bytes > $4 then bytes - $4 else 0 end \
         where clinic_id = $1 and who = $2 and day = $3",
        clinic,
        who,
        day,
        i64::try_from(bytes).unwrap_or(i64::MAX),
    )?;
    Ok(())
}

/// The service that began an upload, if one did.
pub async fn begun_by(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
) -> Result<Option<UserId>, DbError> {
    let row = fetch_optional!(
        *tx,
        (Option<UserId>,),
        "select begun_by from document_assets where clinic_id = $1 and id = $2",
        clinic,
        id,
    )?;
    Ok(row.and_then(|(service,)| service))
}

/// The bytes of a day so far.
pub async fn of_day(
    tx: &mut Audited,
    clinic: ClinicId,
    who: &str,
    day: i64,
) -> Result<u64, DbError> {
    let row = fetch_optional!(
        *tx,
        (i64,),
        "select bytes from upload_days where clinic_id = $1 and who = $2 and day = $3",
        clinic,
        who,
        day,
    )?;
    Ok(row.map_or(0, |(bytes,)| bytes.unsigned_abs()))
}

/// Removes the counts of days before one.
pub async fn forget_days(tx: &mut Tx, day: i64) -> Result<u64, DbError> {
    execute!(*tx, "delete from upload_days where day < $1", day)
}

/// The bytes a clinic keeps: everything that has bytes or is about to, by the figures that are kept
/// in the commit of each change.
pub async fn kept_bytes(mut conn: &mut impl Connection, clinic: ClinicId) -> Result<u64, DbError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "select cast(coalesce(sum(bytes), 0) as bigint) from ( \
         select state, bytes from document_counts where clinic_id = $1 union all \
         select state, bytes from document_count_deltas where clinic_id = $1) counted \
         where state in ('pending', 'scanning', 'available', 'quarantined', 'deleted')",
        clinic,
    )?;
    Ok(row.map_or(0, |(bytes,)| u64::try_from(bytes).unwrap_or(0)))
}
