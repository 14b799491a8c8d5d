//! The SQL of lists.

use super::{Filter, Position, Scope, Sort};
use crate::access::Unread;
use crate::db::{Connection, DbError, Value, Where, fetch_where};
use crate::documents::Document;
use crate::documents::rows::columns;
use crate::ids::ClinicId;
use crate::time::Timestamp;

/// The documents that match, in order, from a position on.
pub async fn list(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    filter: &Filter,
    scope: &Scope,
    after: Option<&Position>,
    limit: u32,
) -> Result<Unread<Vec<Document>>, DbError> {
    let mut query = Where::new(concat!("select ", columns!(), " from document_assets"));
    query.and("clinic_id = ?", [clinic.into()]);
    narrow(&mut query, clinic, filter, scope);
    if let Some(position) = after {
        query.and(beyond(filter.sort), position.values());
    }
    query.then(order(filter.sort), [i64::from(limit).into()]);
    fetch_where!(conn, Document, query).map(Unread::new)
}

fn narrow(query: &mut Where, clinic: ClinicId, filter: &Filter, scope: &Scope) {
    query.and_in("state", filter.states.iter().map(|s| s.as_str().into()));
    query.and_in("category", scope.categories.iter().map(|c| c.as_str().into()));
    if let Some(patient) = &filter.patient {
        query.and("patient_id = ?", [patient.clone().into()]);
    }
    if let Some(patients) = &scope.own_patients {
        query.and_in("patient_id", patients.iter().map(|p| p.clone().into()));
    }
    if let Some(member) = &scope.care_team_of {
        query.and(
            "patient_id is null or patient_id in \
             (select patient_id from care_team where clinic_id = ? and user_id = ?)",
            [clinic.into(), member.clone().into()],
        );
    }
    if let Some(text) = &filter.name_contains {
        let pattern = format!("%{}%", escape_like(&text.to_lowercase()));
        query.and("file_name_folded like ? escape '\\'", [pattern.into()]);
    }
    if let Some((kind, id)) = &filter.entity {
        let values = [kind.as_str().into(), id.as_str().into()];
        query.and("entity_type = ? and entity_id = ?", values);
    }
    match filter.temporary {
        Some(true) => query.and("temporary", []),
        Some(false) => query.and("not temporary", []),
        None => {}
    }
    for (condition, value) in [("created_at >= ?", filter.from), ("created_at < ?", filter.to)] {
        if let Some(value) = value {
            query.and(condition, [value.into()]);
        }
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

const fn beyond(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "(created_at, id) < (?, ?)",
        Sort::Oldest => "(created_at, id) > (?, ?)",
        Sort::Name => "(file_name, id) > (?, ?)",
        Sort::Largest => "(byte_size, id) < (?, ?)",
    }
}

const fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "order by created_at desc, id desc limit ?",
        Sort::Oldest => "order by created_at, id limit ?",
        Sort::Name => "order by file_name, id limit ?",
        Sort::Largest => "order by byte_size desc, id desc limit ?",
    }
}

impl Position {
    fn values(&self) -> [Value; 2] {
        let at = match self {
            Self::Time(at, _) => Value::Time(Timestamp::from_micros(*at)),
            Self::Name(name, _) => Value::Text(name.clone()),
            Self::Size(size, _) => Value::Int(*size),
        };
        [at, Value::Uuid(self.id().as_uuid())]
    }
}
