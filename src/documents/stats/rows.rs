//! The SQL of figures, and of what upkeep does about names.
//!
//! Figures are numbers about a clinic, not about a patient; names are handed out unread.

use crate::access::Unread;
use crate::db::{Conn, Connection, DbError, Tx, execute, fetch_all};
use crate::documents::stats::Figure;
use crate::documents::{Category, State};
use crate::ids::{ClinicId, DocumentId};
use crate::sensitive::Phi;

/// Documents of one kind.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Count {
    /// Their category.
    #[sqlx(try_from = "String")]
    pub category: Category,
    /// Their state.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// Their store.
    pub storage_provider: String,
    /// Their storage class; empty: the ordinary one.
    pub storage_class: String,
    documents: i64,
    bytes: i64,
}

impl Count {
    /// How many, and how large.
    pub const fn figure(&self) -> Figure {
        Figure { count: self.documents, bytes: self.bytes }
    }
}

/// Documents of one category that were confirmed on one day.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "the column's name, and the field's term")]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// Their category.
    #[sqlx(try_from = "String")]
    pub category: Category,
    documents: i64,
    bytes: i64,
}

impl Day {
    /// How many, and how large.
    pub const fn figure(&self) -> Figure {
        Figure { count: self.documents, bytes: self.bytes }
    }
}

/// What is counted of a clinic.
pub async fn counts(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<Count>, DbError> {
    fetch_all!(
        conn,
        Count,
        "select category, state, storage_provider, storage_class, \
         cast(sum(documents) as bigint) as documents, cast(sum(bytes) as bigint) as bytes \
         from (select category, state, storage_provider, storage_class, documents, bytes \
               from document_counts where clinic_id = $1 \
               union all \
               select category, state, storage_provider, storage_class, documents, bytes \
               from document_count_deltas where clinic_id = $1) c \
         group by category, state, storage_provider, storage_class",
        clinic,
    )
}

/// What was confirmed in a clinic from a day on.
pub async fn days(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    from: i64,
) -> Result<Vec<Day>, DbError> {
    fetch_all!(
        conn,
        Day,
        "select day, category, \
         cast(sum(documents) as bigint) as documents, cast(sum(bytes) as bigint) as bytes \
         from (select day, category, documents, bytes from document_days \
               where clinic_id = $1 and day >= $2 \
               union all \
               select day, category, documents, bytes from document_day_deltas \
               where clinic_id = $1 and day >= $2) d \
         group by day, category",
        clinic,
        from,
    )
}

/// Every clinic there is a document of, found by steps along an index.
pub async fn clinics(mut conn: &mut impl Connection) -> Result<Vec<ClinicId>, DbError> {
    let rows = fetch_all!(
        conn,
        (ClinicId,),
        "with recursive found (id) as ( \
             select * from (select clinic_id from document_assets order by clinic_id limit 1) f \
             union all \
             select (select clinic_id from document_assets where clinic_id > found.id \
                     order by clinic_id limit 1) \
             from found where found.id is not null) \
         select id from found where id is not null \
         union select clinic_id from document_counts",
    )?;
    Ok(rows.into_iter().map(|(clinic,)| clinic).collect())
}

/// What is missing in the counts of a category: the rows counted again, less what is counted.
pub async fn missing_counts(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    category: Category,
) -> Result<Vec<Count>, DbError> {
    fetch_all!(
        conn,
        Count,
        "select $2 as category, state, storage_provider, storage_class, \
         cast(sum(documents) as bigint) as documents, cast(sum(bytes) as bigint) as bytes \
         from (select state, storage_provider, coalesce(storage_class, '') as storage_class, \
                      count(*) as documents, sum(byte_size) as bytes \
               from document_assets where clinic_id = $1 and category = $2 and state in ( \
                   'pending', 'scanning', 'available', 'quarantined', 'deleted', 'purged', \
                   'abandoned', 'refused') \
               group by state, storage_provider, coalesce(storage_class, '') \
               union all \
               select state, storage_provider, storage_class, -documents, -bytes \
               from document_counts where clinic_id = $1 and category = $2 \
               union all \
               select state, storage_provider, storage_class, -documents, -bytes \
               from document_count_deltas where clinic_id = $1 and category = $2) c \
         group by state, storage_provider, storage_class \
         having sum(documents) <> 0 or sum(bytes) <> 0",
        clinic,
        category.as_str(),
    )
}

macro_rules! missing_days {
    ($day:literal) => {
        concat!(
            "select day, $2 as category, \
             cast(sum(documents) as bigint) as documents, cast(sum(bytes) as bigint) as bytes \
             from (select ",
            $day,
            " as day, count(*) as documents, sum(byte_size) as bytes \
                   from document_assets where clinic_id = $1 and category = $2 \
                   and confirmed_at is not null and state in ( \
                       'pending', 'scanning', 'available', 'quarantined', 'deleted', 'purged', \
                       'abandoned', 'refused') \
                   group by 1 \
                   union all \
                   select day, -documents, -bytes from document_days \
                   where clinic_id = $1 and category = $2 \
                   union all \
                   select day, -documents, -bytes from document_day_deltas \
                   where clinic_id = $1 and category = $2) d \
             group by day having sum(documents) <> 0 or sum(bytes) <> 0"
        )
    };
}

/// What is missing in the days of a category.
pub async fn missing_days(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    category: Category,
) -> Result<Vec<Day>, DbError> {
    let sql = match conn.conn() {
        Conn::Sqlite(_) => missing_days!("confirmed_at / 86400000000"),
        Conn::Postgres(_) => {
            missing_days!("floor(extract(epoch from confirmed_at) / 86400)::bigint")
        }
    };
    fetch_all!(conn, Day, sql, clinic, category.as_str())
}

/// Notes what is to be added to the counts.
pub async fn add_count(tx: &mut Tx, clinic: ClinicId, row: &Count) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into document_count_deltas (clinic_id, category, state, storage_provider, \
         storage_class, documents, bytes) values ($1, $2, $3, $4, $5, $6, $7)",
        clinic,
        row.category.as_str(),
        row.state.as_str(),
        &row.storage_provider,
        &row.storage_class,
        row.documents,
        row.bytes,
    )?;
    Ok(())
}

/// Notes what is to be added to a day.
pub async fn add_day(tx: &mut Tx, clinic: ClinicId, row: &Day) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into document_day_deltas (clinic_id, day, category, documents, bytes) \
         values ($1, $2, $3, $4, $5)",
        clinic,
        row.day,
        row.category.as_str(),
        row.documents,
        row.bytes,
    )?;
    Ok(())
}

/// How many rows of each kind are folded in at once.
pub const FOLDED: i64 = 50_000;

/// What folds deltas into a table: on PostgreSQL one statement, whose rows nobody else takes; on
/// SQLite two, in the one transaction that writes. At most [`FOLDED`] rows.
macro_rules! fold {
    ($tx:expr, $into:literal, $from:literal, $keys:literal) => {{
        match $tx.conn() {
            Conn::Sqlite(_) => {
                let folded = execute!(
                    *$tx,
                    concat!(
                        "insert into ",
                        $into,
                        " (",
                        $keys,
                        ", documents, bytes) select ",
                        $keys,
                        ", sum(documents), sum(bytes) from ",
                        $from,
                        " where true group by ",
                        $keys,
                        " on conflict (",
                        $keys,
                        ") do update set documents = ",
                        $into,
                        ".documents + excluded.documents, bytes = ",
                        $into,
                        ".bytes + excluded.bytes"
                    )
                )?;
                if folded > 0 {
                    execute!(*$tx, concat!("delete from ", $from))?;
                }
                folded
            }
            Conn::Postgres(_) => execute!(
                *$tx,
                concat!(
                    "with gone as (delete from ",
                    $from,
                    " where id in (select id from ",
                    $from,
                    " order by id limit $1) returning *) insert into ",
                    $into,
                    " (",
                    $keys,
                    ", documents, bytes) select ",
                    $keys,
                    ", sum(documents), sum(bytes) from gone group by ",
                    $keys,
                    " order by ",
                    $keys,
                    " on conflict (",
                    $keys,
                    ") do update set documents = ",
                    $into,
                    ".documents + excluded.documents, bytes = ",
                    $into,
                    ".bytes + excluded.bytes"
                ),
                FOLDED,
            )?,
        }
    }};
}

/// Folds what is to be added into the figures; how many figures changed.
pub async fn fold(tx: &mut Tx) -> Result<u64, DbError> {
    tx.ready().await?;
    let counts = fold!(
        tx,
        "document_counts",
        "document_count_deltas",
        "clinic_id, category, state, storage_provider, storage_class"
    );
    let days = fold!(tx, "document_days", "document_day_deltas", "clinic_id, day, category");
    Ok(counts + days)
}

/// How many rows wait to be folded in.
pub async fn deltas(mut conn: &mut impl Connection) -> Result<i64, DbError> {
    let rows = fetch_all!(
        conn,
        (i64,),
        "select count(*) from document_count_deltas \
         union all select count(*) from document_day_deltas",
    )?;
    Ok(rows.into_iter().map(|(count,)| count).sum())
}

/// Documents whose names have not been split into words, with their names.
pub async fn wordless(
    mut conn: &mut impl Connection,
    limit: i64,
) -> Result<Unread<Vec<(DocumentId, Phi<String>)>>, DbError> {
    fetch_all!(
        conn,
        (DocumentId, Phi<String>),
        "select id, file_name from document_assets where file_words is null order by id limit $1",
        limit,
    )
    .map(Unread::new)
}

/// Puts the words of a name beside it, unless it was changed meanwhile.
pub async fn set_words(
    tx: &mut Tx,
    id: DocumentId,
    name: &Phi<String>,
    (folded, words): (String, String),
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set file_name_folded = $3, file_words = $4 \
         where id = $1 and file_name = $2 and file_words is null",
        id,
        name,
        folded,
        words,
    )?;
    Ok(changed == 1)
}
