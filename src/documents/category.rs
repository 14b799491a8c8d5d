//! The nine categories a document can be given. Given by the caller, never guessed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What kind of document it is, in the sense of the clinic's filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Notes, letters, histories.
    MedicalRecords,
    /// Prescriptions.
    Prescriptions,
    /// Laboratory results.
    LabResults,
    /// X-ray, MRI, CT, photographs.
    Imaging,
    /// Insurance cards and papers.
    Insurance,
    /// Signed consent.
    ConsentForms,
    /// Intake questionnaires.
    IntakeForms,
    /// Bills.
    Invoices,
    /// Anything else.
    Other,
}

impl Category {
    /// All nine, in the order pages show them.
    pub const ALL: [Self; 9] = [
        Self::MedicalRecords,
        Self::Prescriptions,
        Self::LabResults,
        Self::Imaging,
        Self::Insurance,
        Self::ConsentForms,
        Self::IntakeForms,
        Self::Invoices,
        Self::Other,
    ];

    /// As stored, shown and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MedicalRecords => "medical-records",
            Self::Prescriptions => "prescriptions",
            Self::LabResults => "lab-results",
            Self::Imaging => "imaging",
            Self::Insurance => "insurance",
            Self::ConsentForms => "consent-forms",
            Self::IntakeForms => "intake-forms",
            Self::Invoices => "invoices",
            Self::Other => "other",
        }
    }
}

/// A category nobody knows.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be one of medical-records, prescriptions, lab-results, imaging, insurance, \
     consent-forms, intake-forms, invoices, other"
)]
pub struct UnknownCategory;

impl FromStr for Category {
    type Err = UnknownCategory;

    /// Reads a category, also under the names guides 001 and 004 use.
    fn from_str(text: &str) -> Result<Self, UnknownCategory> {
        Ok(match text {
            "medical-records" | "medical_records" => Self::MedicalRecords,
            "prescriptions" | "prescription" => Self::Prescriptions,
            "lab-results" | "lab_results" => Self::LabResults,
            "imaging" => Self::Imaging,
            "insurance" => Self::Insurance,
            "consent-forms" => Self::ConsentForms,
            "intake-forms" | "forms" => Self::IntakeForms,
            "invoices" | "billing" => Self::Invoices,
            "other" => Self::Other,
            _ => return Err(UnknownCategory),
        })
    }
}

impl TryFrom<String> for Category {
    type Error = UnknownCategory;
    fn try_from(text: String) -> Result<Self, UnknownCategory> {
        text.parse()
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_category_reads_back_and_aliases_mean_one_of_them() {
        for category in Category::ALL {
            assert_eq!(category.as_str().parse::<Category>().unwrap(), category);
        }
        assert_eq!("billing".parse::<Category>().unwrap(), Category::Invoices);
        assert!("surprise".parse::<Category>().is_err());
    }
}
