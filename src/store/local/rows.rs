//! The SQL of the store's index (that of unfinished uploads stands with them). One engine only:
//! the index is always SQLite.

use sqlx::{FromRow, SqliteConnection};
use uuid::Uuid;

use super::blocks::Segment;
use crate::db::DbError;
use crate::time::Timestamp;

pub use super::multipart::rows::{
    PartRow, UploadRow, delete_upload, parts_after, rewrap_upload, uploads_after, uploads_of,
    uploads_wrapped_otherwise,
};

type Conn = SqliteConnection;

/// One version of an object.
#[derive(Clone, Debug, FromRow)]
pub struct VersionRow {
    pub seq: i64,
    pub key: String,
    pub version_id: String,
    pub latest: bool,
    pub marker: bool,
    pub size: i64,
    pub etag: String,
    pub content_type: Option<String>,
    pub modified: Timestamp,
    pub sha256: Option<Vec<u8>>,
    pub checksums: Option<String>,
    pub composite: bool,
    pub attributes: Option<Vec<u8>>,
    pub wrapped_key: Option<Vec<u8>>,
    pub file_id: Option<Uuid>,
}

/// When a new version may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    None,
    /// Only where the key has no current version, or a delete marker.
    Absent,
    /// Only where the current version has this ETag; `*` stands for any.
    Matches(String),
}

macro_rules! version {
    ($tail:literal) => {
        concat!(
            "select seq, key, version_id, latest, marker, size, etag, content_type, modified, \
             sha256, checksums, composite, attributes, wrapped_key, file_id from versions ",
            $tail
        )
    };
}

/// Adds a version unless the condition keeps it out; its seq.
pub async fn insert_version(
    conn: &mut Conn,
    row: &VersionRow,
    condition: &Condition,
) -> Result<Option<i64>, DbError> {
    let etag = match condition {
        Condition::Matches(etag) => etag.as_str(),
        Condition::None | Condition::Absent => "",
    };
    let kind = match condition {
        Condition::None => 0_i64,
        Condition::Absent => 1,
        Condition::Matches(_) => 2,
    };
    let done = sqlx::query(
        "insert into versions (key, version_id, marker, size, etag, content_type, modified, \
         sha256, checksums, composite, attributes, wrapped_key, file_id) \
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
         where $14 = 0 \
         or ($14 = 1 and not exists (select 1 from versions \
             where key = $1 and latest = 1 and marker = 0)) \
         or ($14 = 2 and exists (select 1 from versions \
             where key = $1 and latest = 1 and marker = 0 and $15 in ('*', etag)))",
    )
    .bind(&row.key)
    .bind(&row.version_id)
    .bind(row.marker)
    .bind(row.size)
    .bind(&row.etag)
    .bind(&row.content_type)
    .bind(row.modified)
    .bind(&row.sha256)
    .bind(&row.checksums)
    .bind(row.composite)
    .bind(&row.attributes)
    .bind(&row.wrapped_key)
    .bind(row.file_id)
    .bind(kind)
    .bind(etag)
    .execute(conn)
    .await?;
    Ok((done.rows_affected() > 0).then(|| done.last_insert_rowid()))
}

/// The current version of a key, delete marker or not.
pub async fn current(conn: &mut Conn, key: &str) -> Result<Option<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!("where key = $1 and latest = 1"))
        .bind(key)
        .fetch_optional(conn)
        .await?)
}

/// One version of a key.
pub async fn version(
    conn: &mut Conn,
    key: &str,
    version_id: &str,
) -> Result<Option<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!("where version_id = $1 and key = $2"))
        .bind(version_id)
        .bind(key)
        .fetch_optional(conn)
        .await?)
}

/// Every version of a key.
pub async fn versions_of(conn: &mut Conn, key: &str) -> Result<Vec<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!("where key = $1")).bind(key).fetch_all(conn).await?)
}

/// Current versions that are no delete markers, from a key on, in byte order.
pub async fn live_from(
    conn: &mut Conn,
    from: &str,
    limit: i64,
) -> Result<Vec<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!(
        "where latest = 1 and marker = 0 and key >= $1 order by key limit $2"
    ))
    .bind(from)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Versions and delete markers from a key on, the newest of a key first; of `from` itself only
/// those older than `before`.
pub async fn versions_from(
    conn: &mut Conn,
    from: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!(
        "where key >= $1 and (key > $1 or seq < $2) order by key, seq desc limit $3"
    ))
    .bind(from)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Removes a version and makes the newest that is left the current one.
pub async fn delete_version(conn: &mut Conn, row: &VersionRow) -> Result<(), DbError> {
    sqlx::query("delete from versions where seq = $1").bind(row.seq).execute(&mut *conn).await?;
    if row.latest {
        sqlx::query(
            "update versions set latest = 1 \
             where seq = (select seq from versions where key = $1 order by seq desc limit 1)",
        )
        .bind(&row.key)
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// The files of a version that came in parts, in order.
pub async fn segments(conn: &mut Conn, seq: i64) -> Result<Vec<Segment>, DbError> {
    let rows: Vec<(Uuid, i64)> =
        sqlx::query_as("select file_id, size from segments where version_seq = $1 order by number")
            .bind(seq)
            .fetch_all(conn)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(file_id, size)| Segment { file_id, size: size.cast_unsigned() })
        .collect())
}

/// Names the files of a version, in order.
pub async fn insert_segments(
    conn: &mut Conn,
    seq: i64,
    segments: &[Segment],
) -> Result<(), DbError> {
    for (number, segment) in (1_i64..).zip(segments) {
        sqlx::query(
            "insert into segments (version_seq, number, file_id, size) values ($1, $2, $3, $4)",
        )
        .bind(seq)
        .bind(number)
        .bind(segment.file_id)
        .bind(segment.size.cast_signed())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Whether any row names a file.
pub async fn names_file(conn: &mut Conn, file_id: Uuid) -> Result<bool, DbError> {
    let (named,): (bool,) = sqlx::query_as(
        "select exists (select 1 from versions where file_id = $1) \
         or exists (select 1 from segments where file_id = $1) \
         or exists (select 1 from parts where file_id = $1)",
    )
    .bind(file_id)
    .fetch_one(conn)
    .await?;
    Ok(named)
}

/// Versions after a seq whose data key is wrapped by another master key than this one.
pub async fn wrapped_otherwise(
    conn: &mut Conn,
    after: i64,
    key_id: &[u8],
    limit: i64,
) -> Result<Vec<VersionRow>, DbError> {
    Ok(sqlx::query_as(version!(
        "where seq > $1 and marker = 0 and substr(wrapped_key, 1, 4) <> $2 order by seq limit $3"
    ))
    .bind(after)
    .bind(key_id)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Puts another wrapping of a version's data key in the place of the one that was read.
pub async fn rewrap_version(
    conn: &mut Conn,
    seq: i64,
    before: &[u8],
    after: &[u8],
) -> Result<bool, DbError> {
    let done =
        sqlx::query("update versions set wrapped_key = $3 where seq = $1 and wrapped_key = $2")
            .bind(seq)
            .bind(before)
            .bind(after)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() > 0)
}
