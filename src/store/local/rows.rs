//! All SQL of the store's index. One engine only: the index is always SQLite.

use sqlx::{FromRow, SqliteConnection};
use uuid::Uuid;

use super::blocks::Segment;
use crate::db::DbError;
use crate::time::Timestamp;

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

/// A multipart upload.
#[derive(Clone, Debug, FromRow)]
pub struct UploadRow {
    pub upload_id: String,
    pub key: String,
    pub created: Timestamp,
    pub content_type: Option<String>,
    pub attributes: Option<Vec<u8>>,
    pub wrapped_key: Vec<u8>,
    pub algorithm: Option<String>,
    pub full_object: bool,
}

/// One part of it.
#[derive(Clone, Debug, FromRow)]
pub struct PartRow {
    pub number: i64,
    pub file_id: Uuid,
    pub size: i64,
    pub etag: String,
    pub modified: Timestamp,
    pub sha256: Vec<u8>,
    pub checksums: Option<String>,
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

/// Begins a multipart upload.
pub async fn insert_upload(conn: &mut Conn, row: &UploadRow) -> Result<(), DbError> {
    sqlx::query(
        "insert into uploads (upload_id, key, created, content_type, attributes, wrapped_key, \
         algorithm, full_object) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&row.upload_id)
    .bind(&row.key)
    .bind(row.created)
    .bind(&row.content_type)
    .bind(&row.attributes)
    .bind(&row.wrapped_key)
    .bind(&row.algorithm)
    .bind(row.full_object)
    .execute(conn)
    .await?;
    Ok(())
}

/// An upload of a key.
pub async fn upload(
    conn: &mut Conn,
    key: &str,
    upload_id: &str,
) -> Result<Option<UploadRow>, DbError> {
    Ok(sqlx::query_as(
        "select upload_id, key, created, content_type, attributes, wrapped_key, algorithm, \
         full_object from uploads where upload_id = $1 and key = $2",
    )
    .bind(upload_id)
    .bind(key)
    .fetch_optional(conn)
    .await?)
}

/// Uploads after a key and upload id, in order.
pub async fn uploads_after(
    conn: &mut Conn,
    key: &str,
    upload_id: &str,
    limit: i64,
) -> Result<Vec<UploadRow>, DbError> {
    Ok(sqlx::query_as(
        "select upload_id, key, created, content_type, attributes, wrapped_key, algorithm, \
         full_object from uploads where (key, upload_id) > ($1, $2) \
         order by key, upload_id limit $3",
    )
    .bind(key)
    .bind(upload_id)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// The ids of the unfinished uploads of a key.
pub async fn uploads_of(conn: &mut Conn, key: &str) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar("select upload_id from uploads where key = $1")
        .bind(key)
        .fetch_all(conn)
        .await?)
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

/// Uploads whose data key is wrapped by another master key than this one.
pub async fn uploads_wrapped_otherwise(
    conn: &mut Conn,
    key_id: &[u8],
    limit: i64,
) -> Result<Vec<UploadRow>, DbError> {
    Ok(sqlx::query_as(
        "select upload_id, key, created, content_type, attributes, wrapped_key, algorithm, \
         full_object from uploads where substr(wrapped_key, 1, 4) <> $1 limit $2",
    )
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

/// Puts another wrapping of an upload's data key in the place of the one before.
pub async fn rewrap_upload(
    conn: &mut Conn,
    upload_id: &str,
    wrapped: &[u8],
) -> Result<(), DbError> {
    sqlx::query("update uploads set wrapped_key = $2 where upload_id = $1")
        .bind(upload_id)
        .bind(wrapped)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends an upload; its parts go with it.
pub async fn delete_upload(conn: &mut Conn, upload_id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("delete from uploads where upload_id = $1")
        .bind(upload_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Adds a part, or puts it in the place of the one of that number.
pub async fn put_part(conn: &mut Conn, upload_id: &str, part: &PartRow) -> Result<(), DbError> {
    sqlx::query(
        "insert into parts (upload_id, number, file_id, size, etag, modified, sha256, checksums) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) \
         on conflict (upload_id, number) do update set file_id = excluded.file_id, \
         size = excluded.size, etag = excluded.etag, modified = excluded.modified, \
         sha256 = excluded.sha256, checksums = excluded.checksums",
    )
    .bind(upload_id)
    .bind(part.number)
    .bind(part.file_id)
    .bind(part.size)
    .bind(&part.etag)
    .bind(part.modified)
    .bind(&part.sha256)
    .bind(&part.checksums)
    .execute(conn)
    .await?;
    Ok(())
}

/// Parts after a number, in order.
pub async fn parts_after(
    conn: &mut Conn,
    upload_id: &str,
    number: i64,
    limit: i64,
) -> Result<Vec<PartRow>, DbError> {
    Ok(sqlx::query_as(
        "select number, file_id, size, etag, modified, sha256, checksums from parts \
         where upload_id = $1 and number > $2 order by number limit $3",
    )
    .bind(upload_id)
    .bind(number)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
