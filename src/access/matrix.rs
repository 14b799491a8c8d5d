//! The table of roles and actions, for people who do not read policies: asked, not written.

use std::fmt::Write;

use super::{
    Action, Caller, CallerKind, DEFAULT_CLINIC, Policy, PolicyContext, Role, Target, TargetKind,
};
use crate::ids::{PatientId, UserId};

pub fn caller(role: Role) -> Caller {
    Caller {
        kind: CallerKind::User,
        user: UserId::new("u-1"),
        roles: vec![role],
        clinic: DEFAULT_CLINIC,
        patients: if role == Role::Patient { vec![PatientId::new("p-own")] } else { Vec::new() },
        acting: None,
        api_key: None,
        until: None,
    }
}

/// A released, available document of a sensitive category about somebody else's patient,
/// uploaded by somebody else: what only an unconditional rule permits.
pub fn stranger(kind: TargetKind) -> Target {
    let document = kind == TargetKind::Document;
    Target {
        id: Some("d-1".to_owned()),
        patient: Some(PatientId::new("p-other")),
        category: document.then_some("lab-results"),
        state: document.then_some("available"),
        released: document,
        owner: document.then(|| UserId::new("u-other")),
        ..Target::new(kind, DEFAULT_CLINIC)
    }
}

/// What an action is done to, in the words of the table.
fn natural_target(action: Action) -> &'static [(TargetKind, &'static str)] {
    const DOCUMENT: &[(TargetKind, &str)] = &[(TargetKind::Document, "")];
    match action {
        Action::BeginUpload
        | Action::ConfirmUpload
        | Action::SignParts
        | Action::ReadUpload
        | Action::AbortUpload
        | Action::ReceiveUpload
        | Action::IssueTicket
        | Action::AbandonUpload
        | Action::RetrieveDocument
        | Action::ReadDocument
        | Action::IssueDownload
        | Action::ReadContent
        | Action::ReadPreview
        | Action::EditDocument
        | Action::DeleteDocument
        | Action::RestoreDocument
        | Action::ScanDocument
        | Action::RescanDocument
        | Action::PurgeDocument
        | Action::EraseContent
        | Action::HoldDocument
        | Action::ReleaseDocument
        | Action::ReadDocumentTrail
        | Action::WireRead
        | Action::WireWrite
        | Action::WireDelete => DOCUMENT,
        Action::ListDocuments => {
            &[(TargetKind::Patient, " of a patient"), (TargetKind::Clinic, " of the clinic")]
        }
        Action::ReadTrail => {
            &[(TargetKind::Clinic, " of the clinic"), (TargetKind::Patient, " of a patient")]
        }
        Action::SuggestCategory | Action::ReadLimits | Action::ReadStats => {
            &[(TargetKind::Clinic, "")]
        }
        Action::ManageCareTeam | Action::ReadCareTeam => &[(TargetKind::Patient, "")],
        Action::LogIn
        | Action::LogOut
        | Action::ReadSession
        | Action::ChangePassword
        | Action::SetUp => &[(TargetKind::Session, "")],
        Action::ManageKeys => &[(TargetKind::ApiKey, "")],
        Action::ManageWebhooks => &[(TargetKind::Webhook, "")],
        Action::ManageUsers => &[(TargetKind::User, "")],
        Action::ReadConfig | Action::RunSelfTest | Action::WireList => &[(TargetKind::System, "")],
    }
}

/// `yes`, `no`, or what has to be true of the target.
fn cell(policy: &Policy, role: Role, action: Action, kind: TargetKind) -> String {
    let ask = |target: &Target, care_team| {
        policy.decide(&caller(role), action, target, PolicyContext { care_team }).is_allow()
    };
    let base = stranger(kind);
    if ask(&base, false) {
        return "yes".to_owned();
    }
    let mut conditions = Vec::new();
    if ask(&base, true) {
        conditions.push("team");
    }
    if kind == TargetKind::Document {
        if ask(&Target { patient: None, ..base.clone() }, false) {
            conditions.push("no patient");
        }
        if ask(&Target { category: Some("insurance"), ..base.clone() }, false) {
            conditions.push("open categories");
        }
    }
    let own = Target { patient: Some(PatientId::new("p-own")), ..base.clone() };
    if ask(&own, false) {
        let anyhow = kind != TargetKind::Document
            || ask(&Target { released: false, state: Some("pending"), ..own }, false);
        conditions.push(if anyhow { "own" } else { "own, released" });
    }
    let begun = Target { state: Some("pending"), owner: Some(UserId::new("u-1")), ..base };
    if kind == TargetKind::Document && ask(&begun, false) {
        conditions.push("own pending upload");
    }
    if conditions.is_empty() { "no".to_owned() } else { conditions.join(" / ") }
}

#[test]
fn access_matrix() {
    let policy = Policy::load(None).unwrap();
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(Role::ALL.iter().map(ToString::to_string));
    for &action in Action::ALL {
        for (kind, of) in natural_target(action) {
            let mut row = vec![format!("{action}{of}")];
            row.extend(Role::ALL.iter().map(|&role| cell(&policy, role, action, *kind)));
            rows.push(row);
        }
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        writeln!(table, "{}", cells.collect::<Vec<_>>().join(" | ").trim_end()).unwrap();
    }
    table.push_str(
        "\nyes: everything of the clinic. team: the patients whose care team the caller is in. \
         no patient: documents about no patient.\nopen categories: insurance, consent forms, \
         intake forms, invoices, other. own: the patient's own. own, released: also released to \
         the patient and available.\nown pending upload: what the caller uploads, until it is \
         confirmed. `/`: or. Nothing crosses clinics.\n",
    );
    insta::assert_snapshot!("access_matrix", table);
}
