//! The SQL of unfinished uploads and their parts.

use sqlx::{FromRow, SqliteConnection};
use uuid::Uuid;

use crate::db::DbError;
use crate::time::Timestamp;

type Conn = SqliteConnection;

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

/// How much all parts of an upload but one have brought.
pub async fn size_beside(
    conn: &mut Conn,
    key: &str,
    upload_id: &str,
    number: i64,
) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "select coalesce(sum(p.size), 0) from parts p \
         join uploads u on u.upload_id = p.upload_id \
         where u.upload_id = $1 and u.key = $2 and p.number <> $3",
    )
    .bind(upload_id)
    .bind(key)
    .bind(number)
    .fetch_one(conn)
    .await?)
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
