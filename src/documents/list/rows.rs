//! The SQL of lists: what is asked of the database. The texts are put together in `runs`.

use super::runs::{Asked, Engine, Span, Way, further_on, page};
use super::sought::how_many;
use super::{Position, Sort};
use crate::access::Unread;
use crate::db::{Conn, Connection, DbError, fetch_all, fetch_where};
use crate::documents::Document;
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};
use crate::time::Timestamp;

/// A row of a list.
#[derive(Debug, sqlx::FromRow)]
pub struct Listed {
    /// The document.
    #[sqlx(flatten)]
    pub document: Document,
    /// Its name as names are ordered.
    pub file_name_folded: String,
    /// Whether the caller cares for its patient.
    pub in_team: bool,
}

/// The first patients a user cares for, one more than `most` where there are more.
pub async fn team(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    user: &UserId,
    most: u32,
) -> Result<Vec<PatientId>, DbError> {
    let rows = fetch_all!(
        conn,
        (PatientId,),
        "select patient_id from care_team where clinic_id = $1 and user_id = $2 limit $3",
        clinic,
        user,
        i64::from(most) + 1,
    )?;
    Ok(rows.into_iter().map(|(patient,)| patient).collect())
}

/// The documents that match, from a position on; in no order.
pub async fn list(
    mut conn: &mut impl Connection,
    asked: &Asked<'_>,
    span: Span<'_>,
    way: Way,
) -> Result<Unread<Vec<Listed>>, DbError> {
    let query = page(engine(&mut conn), asked, span, way);
    fetch_where!(conn, Listed, query).map(Unread::new)
}

/// The position `steps` documents further on, whatever else is asked for; none where the list ends
/// before.
pub async fn further(
    mut conn: &mut impl Connection,
    asked: &Asked<'_>,
    after: Option<&Position>,
    steps: u32,
) -> Result<Option<Position>, DbError> {
    let engine = engine(&mut conn);
    let query = further_on(engine, asked, after, steps);
    Ok(match asked.filter.sort {
        Sort::Newest | Sort::Oldest => fetch_where!(conn, (DocumentId, Timestamp), query)?
            .pop()
            .map(|(id, at)| Position::Time(at.micros(), id)),
        Sort::Name => fetch_where!(conn, (DocumentId, String), query)?
            .pop()
            .map(|(id, name)| Position::Name(name, id)),
        Sort::Largest => fetch_where!(conn, (DocumentId, i64), query)?
            .pop()
            .map(|(id, size)| Position::Size(size, id)),
    })
}

/// Whether the words or the types that are asked for fit no more than so many of the clinic's
/// documents.
pub async fn fit_few(
    mut conn: &mut impl Connection,
    asked: &Asked<'_>,
    most: u32,
) -> Result<bool, DbError> {
    let query = how_many(engine(&mut conn), asked, most.saturating_add(1));
    let found = fetch_where!(conn, (i64,), query)?;
    Ok(found.into_iter().all(|(count,)| count <= i64::from(most)))
}

fn engine(conn: &mut impl Connection) -> Engine {
    match conn.conn() {
        Conn::Sqlite(_) => Engine::Sqlite,
        Conn::Postgres(_) => Engine::Postgres,
    }
}
