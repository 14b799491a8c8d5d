//! The folders of guide 001 as filters: what a client lists by a prefix of keys is a question about
//! patients, categories and months here. Nothing is looked up by the key itself, so a prefix shows
//! nothing that a list would not.

use crate::access::Call;
use crate::app::App;
use crate::documents::key_layout::patient_folders;
use crate::documents::{Category, DocumentError, Filter, State, rows};
use crate::ids::{PatientId, PatientRef};
use crate::time::Timestamp;

/// What a prefix means. One that means nothing is an error which says what would.
pub async fn folder(app: &App, call: &Call, prefix: &str) -> Result<Filter, DocumentError> {
    let own = app.config.store.folder_prefix.as_str();
    let inner = prefix.strip_prefix(own).filter(|_| !own.is_empty()).unwrap_or(prefix);
    let mut parts = inner.split('/').filter(|part| !part.is_empty());
    let mut filter = Filter { states: vec![State::Available], ..Filter::default() };
    match (parts.next(), parts.next()) {
        (None, _) => {}
        (Some("patients"), Some(id)) => filter.patient = Some(patient(app, call, id).await?),
        (Some("providers"), Some(id)) => filter.entity = Some(("provider".into(), Some(id.into()))),
        (Some("appointments"), Some(id)) => {
            filter.entity = Some(("appointment".into(), Some(id.into())));
        }
        (Some("temp"), None) => filter.temporary = Some(true),
        (Some(folder), None) if !categories(folder).is_empty() => {
            filter.categories = categories(folder);
        }
        _ => return Err(unknown()),
    }
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => {}
        (Some(folder), None, _) if !categories(folder).is_empty() => {
            filter.categories = categories(folder);
        }
        (Some(year), month, None) => {
            let (from, to) = span(year, month).ok_or_else(unknown)?;
            (filter.from, filter.to) = (Some(from), Some(to));
        }
        _ => return Err(unknown()),
    }
    Ok(filter)
}

fn unknown() -> DocumentError {
    DocumentError::field(
        "prefix",
        "must be patients/{id}, patients/{id}/{category}, patients/{id}/{year}/{month}, \
         providers/{id}, appointments/{id}, a category, temp, or nothing",
    )
}

/// The patient that a folder is of: keys may name them by a pseudonym.
async fn patient(app: &App, call: &Call, id: &str) -> Result<PatientId, DocumentError> {
    let Ok(of_key) = id.parse::<PatientRef>() else { return Ok(PatientId::new(id)) };
    let known = call.caller.patients.iter().find(|p| app.secrets.patient_ref(p) == of_key);
    if let Some(own) = known {
        return Ok(own.clone());
    }
    let mut reader = app.db.reader().await?;
    if rows::has_patient(&mut reader, call.clinic(), id).await? {
        return Ok(PatientId::new(id));
    }
    for folder in patient_folders(&app.config.store.folder_prefix, of_key) {
        let bucket = app.store.bucket();
        let found = rows::patients_in_folder(&mut reader, call.clinic(), bucket, &folder).await?;
        let mut of_folder = found.into_iter();
        if let Some(patient) = of_folder.find(|p| app.secrets.patient_ref(p) == of_key) {
            return Ok(patient);
        }
    }
    Ok(PatientId::new(id))
}

/// The categories of a folder.
fn categories(folder: &str) -> Vec<Category> {
    match folder {
        "forms" => vec![Category::ConsentForms, Category::IntakeForms],
        other => other.parse().into_iter().collect(),
    }
}

/// From the first moment of a year or month to the first after it.
fn span(year: &str, month: Option<&str>) -> Option<(Timestamp, Timestamp)> {
    let year: u16 = year.parse().ok().filter(|year| (1970..=9998).contains(year))?;
    let month = match month {
        Some(month) => Some(month.parse::<u8>().ok().filter(|m| (1..=12).contains(m))?),
        None => None,
    };
    let first = |year, month| Timestamp::parse(&format!("{year:04}-{month:02}-01T00:00:00Z")).ok();
    let end = match month {
        None | Some(12) => first(year + 1, 1),
        Some(month) => first(year, month + 1),
    };
    Some((first(year, month.unwrap_or(1))?, end?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_end_where_the_next_begins() {
        let said = |year, month| {
            span(year, month).map(|(from, to)| format!("{from} {to}").replace("T00:00:00Z", ""))
        };
        assert_eq!(said("2026", Some("12")).unwrap(), "2026-12-01 2027-01-01");
        assert_eq!(said("2026", Some("02")).unwrap(), "2026-02-01 2026-03-01");
        assert_eq!(said("2026", None).unwrap(), "2026-01-01 2027-01-01");
        for (year, month) in [("26", None), ("2026", Some("13")), ("2026", Some("x"))] {
            assert_eq!(said(year, month), None);
        }
    }
}
