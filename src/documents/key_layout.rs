//! Object keys: opaque names in folders an operator chose; nothing a person wrote gets in.

use uuid::Uuid;

use crate::config::KeyLayout;
use crate::documents::Category;
use crate::ids::PatientRef;
use crate::time::Timestamp;

/// What a key is made of.
#[derive(Clone, Debug)]
pub struct KeyParts<'a> {
    /// The name of the file: the document's id, or another one nobody has used.
    pub name: Uuid,
    /// The patient, as keys name them.
    pub patient: Option<PatientRef>,
    /// `provider` or `appointment` with an opaque reference, for documents of no patient.
    pub entity: Option<(&'a str, PatientRef)>,
    /// Whether it stands under `temp/`.
    pub temporary: bool,
    /// Its category.
    pub category: Category,
    /// When the upload was allowed.
    pub at: Timestamp,
    /// The extension of its type.
    pub extension: &'a str,
}

/// The key under a layout, with the operator's folder in front.
pub fn object_key(layout: KeyLayout, folder: &str, parts: &KeyParts<'_>) -> String {
    let file = format!("{}.{}", parts.name, parts.extension);
    let (year, month) = {
        let date = parts.at.date_time();
        (date.year(), u8::from(date.month()))
    };
    let owner = owner_folder(parts);
    let owner = owner.as_str();
    let path = match layout {
        _ if parts.temporary => format!("temp/{file}"),
        KeyLayout::ByMonth => format!("{owner}/{year:04}/{month:02}/{file}"),
        KeyLayout::ByCategory => format!("{owner}/{}/{file}", category_folder(parts.category)),
        KeyLayout::CategoryFirst => {
            let who = owner.split_once('/').map_or(owner, |(_, who)| who);
            format!("medical-files/{}/{who}/{file}", parts.category)
        }
        KeyLayout::Flat => file,
    };
    if folder.is_empty() { path } else { format!("{folder}/{path}") }
}

/// What the keys of a patient's documents begin with in the layouts that have folders of patients;
/// each ends with a slash.
pub fn patient_folders(folder: &str, patient: PatientRef) -> Vec<String> {
    let under = |path: String| if folder.is_empty() { path } else { format!("{folder}/{path}") };
    let first = Category::ALL.map(|category| format!("medical-files/{category}/{patient}/"));
    std::iter::once(format!("patients/{patient}/")).chain(first).map(under).collect()
}

fn owner_folder(parts: &KeyParts<'_>) -> String {
    match (parts.patient, parts.entity) {
        (Some(patient), _) => format!("patients/{patient}"),
        (None, Some(("provider", id))) => format!("providers/{id}"),
        (None, Some(("appointment", id))) => format!("appointments/{id}"),
        (None, _) => "general".to_owned(),
    }
}

/// Guide 001's folder names.
const fn category_folder(category: Category) -> &'static str {
    match category {
        Category::MedicalRecords => "medical-records",
        Category::Prescriptions => "prescriptions",
        Category::LabResults => "lab-results",
        Category::Imaging => "imaging",
        Category::Insurance => "insurance",
        Category::ConsentForms | Category::IntakeForms => "forms",
        Category::Invoices => "billing",
        Category::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> KeyParts<'static> {
        KeyParts {
            name: Uuid::from_u128(7),
            patient: Some(PatientRef::from_uuid(Uuid::from_u128(9))),
            entity: None,
            temporary: false,
            category: Category::ConsentForms,
            at: Timestamp::parse("2026-02-03T04:05:06Z").unwrap(),
            extension: "pdf",
        }
    }

    #[test]
    fn the_four_layouts_and_the_folder_in_front() {
        let p = "00000000-0000-0000-0000-000000000009";
        let d = "00000000-0000-0000-0000-000000000007.pdf";
        let key = |layout, folder| object_key(layout, folder, &parts());
        assert_eq!(key(KeyLayout::ByMonth, ""), format!("patients/{p}/2026/02/{d}"));
        assert_eq!(key(KeyLayout::ByCategory, ""), format!("patients/{p}/forms/{d}"));
        assert_eq!(
            key(KeyLayout::CategoryFirst, "docs"),
            format!("docs/medical-files/consent-forms/{p}/{d}")
        );
        assert_eq!(key(KeyLayout::Flat, ""), d);
    }

    #[test]
    fn a_key_begins_with_one_of_its_patients_folders() {
        let patient = parts().patient.unwrap();
        for layout in [KeyLayout::ByMonth, KeyLayout::ByCategory, KeyLayout::CategoryFirst] {
            for folder in ["", "docs"] {
                for category in Category::ALL {
                    let key = object_key(layout, folder, &KeyParts { category, ..parts() });
                    let folders = patient_folders(folder, patient);
                    assert!(folders.iter().any(|folder| key.starts_with(folder)), "{key}");
                }
            }
        }
    }

    #[test]
    fn documents_of_no_patient_have_folders_of_their_own() {
        let id = PatientRef::from_uuid(Uuid::from_u128(9));
        let base = KeyParts { patient: None, ..parts() };
        let key = |p: &KeyParts<'_>| object_key(KeyLayout::ByMonth, "", p);
        assert!(
            key(&KeyParts { entity: Some(("provider", id)), ..base.clone() })
                .starts_with("providers/")
        );
        assert!(key(&KeyParts { temporary: true, ..base.clone() }).starts_with("temp/"));
        assert!(key(&base).starts_with("general/2026/02/"));
    }
}
