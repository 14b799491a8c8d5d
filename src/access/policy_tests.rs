//! Tests of the built-in rules by asking them, and of operators' files.

use std::hint::black_box;
use std::time::Instant;

use super::*;
use crate::access::matrix::{caller, stranger};
use crate::access::{Acting, DEFAULT_CLINIC};
use crate::ids::PatientId;

const TEAM: PolicyContext = PolicyContext { care_team: true };
const ALONE: PolicyContext = PolicyContext { care_team: false };
const STATES: [&str; 8] = [
    "pending",
    "scanning",
    "available",
    "quarantined",
    "deleted",
    "purged",
    "abandoned",
    "refused",
];

fn policy() -> Policy {
    Policy::load(None).unwrap()
}

fn document() -> Target {
    stranger(TargetKind::Document)
}

fn other_clinic() -> ClinicId {
    "00000000-0000-7000-8000-000000000002".parse().unwrap()
}

/// Targets and contexts in which the built-in rules differ.
fn situations() -> Vec<(Target, PolicyContext)> {
    let mut all = Vec::new();
    for kind in TargetKind::ALL {
        for context in [TEAM, ALONE] {
            for patient in [None, Some("p-own"), Some("p-other")] {
                for owner in ["u-1", "u-other"] {
                    let patient = patient.map(PatientId::new);
                    let owner = Some(UserId::new(owner));
                    let target = Target { patient, owner, ..stranger(kind) };
                    for state in STATES.into_iter().filter(|_| kind == TargetKind::Document) {
                        for category in ["lab-results", "insurance"] {
                            for released in [true, false] {
                                let (state, category) = (Some(state), Some(category));
                                let target = Target { category, state, released, ..target.clone() };
                                all.push((target, context));
                            }
                        }
                    }
                    if kind != TargetKind::Document {
                        all.push((target, context));
                    }
                }
            }
        }
    }
    all
}

#[test]
fn nothing_crosses_clinics_in_any_role_and_any_action() {
    let policy = policy();
    for role in Role::ALL {
        let caller = caller(role);
        for &action in Action::ALL {
            for (mut target, context) in situations() {
                target.clinic = other_clinic();
                let decision = policy.decide(&caller, action, &target, context);
                assert_eq!(decision, Decision::Deny { visible: false }, "{role} {action}");
            }
        }
    }
}

#[test]
fn the_wall_between_clinics_stands_also_where_a_policy_file_forgets_it() {
    let policy = Policy::parse("permit (principal, action, resource);").unwrap();
    let there = Target { clinic: other_clinic(), ..document() };
    let (admin, read) = (caller(Role::Admin), Action::ReadDocument);
    assert!(!policy.decide(&admin, read, &there, TEAM).is_allow());
    assert!(policy.decide(&admin, read, &document(), TEAM).is_allow());
}

#[test]
fn a_remembered_answer_is_the_answer_cedar_gives() {
    let policy = policy();
    for role in [Role::Clinician, Role::Patient] {
        let caller = caller(role);
        for action in [Action::ReadDocument, Action::ConfirmUpload, Action::ListDocuments] {
            for (target, context) in situations() {
                let facts = policy.facts(&caller, action, &target, context);
                let first = policy.allows(&facts);
                assert_eq!((first, policy.allows(&facts)), (first, policy.ask(&facts).unwrap()));
            }
        }
    }
    assert!(policy.answers.read().unwrap().len() <= REMEMBERED);
}

#[test]
fn no_rule_fails_while_it_is_evaluated() {
    let policy = policy();
    for role in Role::ALL {
        for &action in Action::ALL {
            for kind in TargetKind::ALL {
                let bare = Target::new(kind, DEFAULT_CLINIC);
                let facts = policy.facts(&caller(role), action, &bare, ALONE);
                policy.ask(&facts).unwrap();
            }
        }
    }
}

#[test]
fn an_admin_may_do_everything_in_the_clinic() {
    let policy = policy();
    for &action in Action::ALL {
        for (target, context) in situations().into_iter().step_by(17) {
            assert!(policy.decide(&caller(Role::Admin), action, &target, context).is_allow());
        }
    }
}

#[test]
fn a_clinician_sees_the_patients_they_care_for_and_restores_from_the_trash() {
    let (policy, clinician) = (policy(), caller(Role::Clinician));
    let trashed = Target { state: Some("deleted"), ..document() };
    for action in [Action::ReadDocument, Action::RestoreDocument] {
        assert!(policy.decide(&clinician, action, &trashed, TEAM).is_allow());
        let hidden = Decision::Deny { visible: false };
        assert_eq!(policy.decide(&clinician, action, &trashed, ALONE), hidden);
    }
    let nobody = Target { patient: None, ..document() };
    assert!(policy.decide(&clinician, Action::ReadContent, &nobody, ALONE).is_allow());
    let refused = Decision::Deny { visible: true };
    assert_eq!(policy.decide(&clinician, Action::PurgeDocument, &document(), TEAM), refused);
}

#[test]
fn staff_see_open_categories_only() {
    let (policy, staff) = (policy(), caller(Role::Staff));
    let all = [
        "medical-records",
        "prescriptions",
        "lab-results",
        "imaging",
        "insurance",
        "consent-forms",
        "intake-forms",
        "invoices",
        "other",
    ];
    let kinds = policy.readable_kinds(&staff, &document(), TEAM, &all, &["available"]);
    let categories: Vec<_> = kinds.into_iter().map(|(category, _)| category).collect();
    assert_eq!(categories, &all[4..]);
    let unsaid = Target { category: None, ..document() };
    assert!(!policy.decide(&staff, Action::BeginUpload, &unsaid, TEAM).is_allow());
}

#[test]
fn a_patient_reads_their_own_released_and_available_documents_and_deletes_nothing() {
    let (policy, patient) = (policy(), caller(Role::Patient));
    for (target, context) in situations() {
        if target.kind != TargetKind::Document {
            continue;
        }
        let own = target.patient == Some(PatientId::new("p-own"));
        // Their own upload, up to what the scanner says of it.
        let on_its_way = ["pending", "scanning", "quarantined"].map(Some).contains(&target.state);
        let uploading = on_its_way && target.owner == Some(patient.user.clone());
        let readable = own && target.released && target.state == Some("available");
        let may = |action| policy.decide(&patient, action, &target, context).is_allow();
        assert_eq!(may(Action::ReadContent), readable, "{target:?}");
        assert_eq!(may(Action::IssueDownload), readable, "{target:?}");
        assert_eq!(may(Action::ReadDocument), readable || uploading, "{target:?}");
        assert_eq!(may(Action::BeginUpload), own, "{target:?}");
        for action in [Action::DeleteDocument, Action::EditDocument, Action::RestoreDocument] {
            assert!(!may(action), "{target:?}");
        }
    }
}

#[test]
fn whoever_reads_content_sees_previews_and_nobody_else() {
    let policy = policy();
    for role in Role::ALL {
        let caller = caller(role);
        for (target, context) in situations() {
            let may = |action| policy.decide(&caller, action, &target, context).is_allow();
            assert_eq!(may(Action::ReadPreview), may(Action::ReadContent), "{role} {target:?}");
        }
    }
}

#[test]
fn the_patients_of_a_token_count_for_the_role_patient_only() {
    let mut auditor = caller(Role::Auditor);
    auditor.patients = vec![PatientId::new("p-own")];
    let policy =
        Policy::parse("permit (principal, action, resource) when { context.own_patient };")
            .unwrap();
    let own = Target { patient: Some(PatientId::new("p-own")), ..document() };
    assert!(!policy.decide(&auditor, Action::ReadDocument, &own, ALONE).is_allow());
    assert!(policy.decide(&caller(Role::Patient), Action::ReadDocument, &own, ALONE).is_allow());
}

#[test]
fn an_auditor_reads_trails_but_neither_content_nor_metadata() {
    let (policy, auditor) = (policy(), caller(Role::Auditor));
    let may = |action, target: &Target| policy.decide(&auditor, action, target, TEAM).is_allow();
    assert!(may(Action::ReadTrail, &stranger(TargetKind::Clinic)));
    assert!(may(Action::ReadDocumentTrail, &document()));
    for action in [Action::ReadDocument, Action::ReadContent, Action::IssueDownload] {
        assert!(!may(action, &document()));
    }
    assert!(!may(Action::ListDocuments, &stranger(TargetKind::Clinic)));
}

#[test]
fn a_service_that_acts_for_a_person_has_that_persons_rules_and_no_others() {
    let policy = policy();
    let mut service = caller(Role::Service);
    let delete = |service: &Caller| {
        policy.decide(service, Action::DeleteDocument, &document(), ALONE).is_allow()
    };
    assert!(delete(&service));
    service.acting = Some(Acting { user: UserId::new("dr"), role: Role::Clinician });
    assert!(!delete(&service));
    let owned = Target { owner: Some(UserId::new("dr")), state: Some("pending"), ..document() };
    assert!(policy.decide(&service, Action::ConfirmUpload, &owned, ALONE).is_allow());
    let not_theirs = Target { owner: Some(service.user.clone()), ..owned };
    assert!(!policy.decide(&service, Action::ConfirmUpload, &not_theirs, ALONE).is_allow());
}

#[test]
fn everybody_may_see_and_end_their_own_session_and_change_their_password() {
    let policy = policy();
    for role in Role::ALL {
        for action in [Action::ReadSession, Action::LogOut, Action::ChangePassword] {
            let session = Target::new(TargetKind::Session, DEFAULT_CLINIC);
            assert!(policy.decide(&caller(role), action, &session, ALONE).is_allow(), "{role}");
        }
    }
}

#[test]
fn an_operators_file_may_name_a_user_and_then_holds_for_that_user_alone() {
    let text = format!("{DEFAULT}\nforbid (principal == User::\"u-2\", action, resource);");
    let policy = Policy::parse(&text).unwrap();
    let (one, mut two) = (caller(Role::Admin), caller(Role::Admin));
    two.user = UserId::new("u-2");
    for _ in 0..2 {
        assert!(policy.decide(&one, Action::ReadConfig, &document(), ALONE).is_allow());
        assert!(!policy.decide(&two, Action::ReadConfig, &document(), ALONE).is_allow());
    }
}

#[test]
fn every_problem_of_a_policy_file_is_told_with_its_line() {
    let refused = |text: &str| match Policy::parse(text) {
        Err(PolicyError::Refused { problems }) => problems,
        other => panic!("not refused: {other:?}"),
    };
    let problems = refused(
        "permit (principal in Role::\"nurse\", action, resource);\n\n\
         permit (principal, action == Action::\"document.eat\", resource);\n\
         permit (principal, action, resource) when { resource.colour == \"red\" };\n\
         permit (principal, action, resource == Document::\"42\");\n",
    );
    for line in [1, 3, 4, 5] {
        let at = format!("line {line}: ");
        assert!(problems.iter().any(|p| p.starts_with(&at)), "line {line} of {problems:#?}");
    }
    let problems =
        refused("permit (principal, action, resource)\n;\n\npermit (who);\nforbid (when);");
    for line in ["line 4: ", "line 5: "] {
        assert!(problems.iter().any(|p| p.starts_with(line)), "{problems:#?}");
    }
}

#[test]
fn a_policy_file_is_read_from_disk_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.cedar");
    assert!(Policy::load(Some(&path)).unwrap_err().to_string().contains("own.cedar"));
    std::fs::write(&path, "forbid (principal, action, resource);").unwrap();
    let policy = Policy::load(Some(&path)).unwrap();
    let everything = policy.decide(&caller(Role::Admin), Action::ReadConfig, &document(), TEAM);
    assert!(!everything.is_allow());
}

/// Prints what a decision costs (`--no-capture`); debug builds take some thirty times as long.
#[test]
fn a_remembered_decision_costs_less_than_asking_cedar() {
    let (policy, clinician, target) = (policy(), caller(Role::Clinician), document());
    let facts = policy.facts(&clinician, Action::IssueDownload, &target, TEAM);
    let per_call = |work: &dyn Fn()| {
        let began = Instant::now();
        (0..200).for_each(|_| work());
        began.elapsed() / 200
    };
    let asked = per_call(&|| drop(black_box(policy.ask(&facts))));
    let remembered = per_call(&|| {
        black_box(policy.decide(&clinician, Action::IssueDownload, &target, TEAM));
    });
    println!("a decision: asked {asked:?}, remembered {remembered:?}");
    assert!(remembered < asked, "asked {asked:?}, remembered {remembered:?}");
}
