//! Which category a file's name speaks for. A help for whoever files it: what is stored is what
//! they say, and nothing else here asks.

use crate::documents::Category;

/// What a name speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The category.
    pub category: Category,
    /// The word that speaks for it.
    pub keyword: &'static str,
}

/// Words of whole names and pieces of words. The first that is found counts: what is said exactly
/// stands before what is said by the way.
const KEYWORDS: &[(Category, &[&str], &[&str])] = &[
    (Category::ConsentForms, &["hipaa", "waiver"], &["consent", "authorization", "authorisation"]),
    (
        Category::IntakeForms,
        &["anamnesis"],
        &["intake", "questionnaire", "registration", "newpatient"],
    ),
    (Category::Invoices, &["bill", "bills"], &["invoice", "receipt", "billing", "superbill"]),
    (Category::Insurance, &["eob", "payer"], &["insurance", "coverage", "policycard"]),
    (Category::Prescriptions, &["rx", "erx"], &["prescription", "medication"]),
    (
        Category::LabResults,
        &["lab", "labs", "cbc", "hba1c", "biopsy"],
        &[
            "labresult",
            "labreport",
            "bloodtest",
            "bloodwork",
            "laboratory",
            "urinalysis",
            "pathology",
        ],
    ),
    (
        Category::Imaging,
        &["mri", "ct", "dicom", "scan", "dexa"],
        &["xray", "ultrasound", "mammogra", "radiograph", "radiology", "imaging"],
    ),
    (
        Category::MedicalRecords,
        &["soap", "chart"],
        &["discharge", "referral", "progressnote", "medicalrecord", "treatmentplan", "history"],
    ),
];

/// The category that a file name speaks for; none where it says nothing.
pub fn suggest_category(file_name: &str) -> Option<Suggestion> {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let stem = if stem.is_empty() { file_name } else { stem };
    let lower = stem.to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    // `X-ray`, `lab_results` and `LabResults` are the same.
    let joined = words.concat();
    KEYWORDS.iter().find_map(|(category, whole, pieces)| {
        let whole = whole.iter().find(|keyword| words.contains(keyword));
        let keyword = whole.or_else(|| pieces.iter().find(|keyword| joined.contains(**keyword)))?;
        Some(Suggestion { category: *category, keyword })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_speaks_for_the_category_its_words_name() {
        for (name, category) in [
            ("lab_results_2024.pdf", Category::LabResults),
            ("LabResults.PDF", Category::LabResults),
            ("Knee X-Ray left.jpg", Category::Imaging),
            ("MRI.dcm", Category::Imaging),
            ("rx 2024-02.pdf", Category::Prescriptions),
            ("Consent for X-ray.pdf", Category::ConsentForms),
            ("intake form.docx", Category::IntakeForms),
            ("invoice-0042.xlsx", Category::Invoices),
            ("insurance card front.png", Category::Insurance),
            ("referral-letter.pdf", Category::MedicalRecords),
            (".xray", Category::Imaging),
        ] {
            assert_eq!(suggest_category(name).map(|s| s.category), Some(category), "{name}");
        }
    }

    #[test]
    fn a_name_that_says_nothing_speaks_for_nothing() {
        for name in ["", "IMG_0001.jpg", "label.pdf", "doctor.pdf", "document.pdf", "a.lab", "."] {
            assert_eq!(suggest_category(name), None, "{name}");
        }
    }
}
