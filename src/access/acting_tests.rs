//! Tests of the acting and clinic headers.

use super::*;

fn credential(roles: &[Role], clinic: Option<ClinicId>) -> Credential {
    Credential {
        kind: CallerKind::ApiKey,
        user: UserId::new("key:1"),
        roles: roles.to_vec(),
        clinic,
        patients: vec![PatientId::new("p-token")],
        api_key: None,
        until: None,
    }
}

fn call(credential: Credential, headers: &[(&'static str, &str)]) -> Result<Caller, AuthError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    credential.into_caller(&map)
}

fn refused_field(answer: Result<Caller, AuthError>) -> &'static str {
    match answer {
        Err(AuthError::BadRequest { field, detail }) => {
            assert!(!detail.is_empty());
            field
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn clinic(n: u128) -> ClinicId {
    ClinicId::from_uuid(uuid::Uuid::from_u128(n))
}

#[test]
fn a_service_acts_for_a_named_patient_and_both_are_kept() {
    let headers = [
        ("x-acting-user", "ann"),
        ("x-acting-role", "patient"),
        ("x-acting-patient", "p-1, p-2"),
        ("x-acting-patient", "p-3"),
    ];
    let caller = call(credential(&[Role::Service], None), &headers).unwrap();
    assert_eq!(caller.patients, ["p-1", "p-2", "p-3"].map(PatientId::new));
    assert_eq!(caller.effective_user(), &UserId::new("ann"));
    assert_eq!(caller.effective_roles(), [Role::Patient]);
    assert_eq!((caller.user.as_str(), caller.roles), ("key:1", vec![Role::Service]));
    assert_eq!(caller.clinic, DEFAULT_CLINIC);
}

#[test]
fn the_patients_of_the_credential_do_not_pass_to_the_acting_person() {
    let headers = [("x-acting-user", "ann"), ("x-acting-role", "patient")];
    let caller = call(credential(&[Role::Service], None), &headers).unwrap();
    assert!(caller.patients.is_empty());
}

#[test]
fn acting_headers_of_anybody_but_a_service_are_refused() {
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Service) {
        for header in ["x-acting-user", "x-acting-role", "x-acting-patient"] {
            let answer = call(credential(&[role], None), &[(header, "staff")]);
            assert_eq!(refused_field(answer), "X-Acting-User");
        }
    }
}

#[test]
fn an_acting_user_needs_the_role_of_a_person() {
    let service = || credential(&[Role::Service], None);
    let acting = |role| call(service(), &[("x-acting-user", "ann"), ("x-acting-role", role)]);
    assert_eq!(refused_field(call(service(), &[("x-acting-user", "ann")])), "X-Acting-Role");
    assert_eq!(refused_field(call(service(), &[("x-acting-role", "staff")])), "X-Acting-User");
    for role in ["admin", "service", "nurse", "Staff"] {
        assert_eq!(refused_field(acting(role)), "X-Acting-Role", "{role}");
    }
    for role in ["clinician", "staff", "patient", "auditor"] {
        acting(role).unwrap();
    }
}

#[test]
fn a_service_acts_as_admin_only_with_the_role_admin_of_its_own() {
    let both = credential(&[Role::Admin, Role::Service], None);
    let headers = [("x-acting-user", "root"), ("x-acting-role", "admin")];
    assert_eq!(call(both, &headers).unwrap().effective_roles(), [Role::Admin]);
}

#[test]
fn patients_are_named_for_the_role_patient_only_and_headers_are_given_once() {
    let service = || credential(&[Role::Service], None);
    let staff = [("x-acting-user", "a"), ("x-acting-role", "staff"), ("x-acting-patient", "p")];
    assert_eq!(refused_field(call(service(), &staff)), "X-Acting-Patient");
    let twice = [("x-acting-user", "a"), ("x-acting-user", "b"), ("x-acting-role", "staff")];
    assert_eq!(refused_field(call(service(), &twice)), "X-Acting-User");
    let empty = [("x-acting-user", ""), ("x-acting-role", "staff")];
    assert_eq!(refused_field(call(service(), &empty)), "X-Acting-User");
}

#[test]
fn only_a_service_without_a_clinic_may_name_one() {
    let named = clinic(7).to_string();
    let header = [("x-clinic-id", named.as_str())];
    let free = call(credential(&[Role::Service], None), &header).unwrap();
    assert_eq!(free.clinic, clinic(7));
    let same = call(credential(&[Role::Service], Some(clinic(7))), &header).unwrap();
    assert_eq!(same.clinic, clinic(7));
    let bound = call(credential(&[Role::Service], Some(clinic(8))), &header);
    assert_eq!(refused_field(bound), "X-Clinic-Id");
    let admin = call(credential(&[Role::Admin], None), &header);
    assert_eq!(refused_field(admin), "X-Clinic-Id");
    let garbled = call(credential(&[Role::Service], None), &[("x-clinic-id", "seven")]);
    assert_eq!(refused_field(garbled), "X-Clinic-Id");
}
