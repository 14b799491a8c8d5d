//! `strongroom token`: one JWT, for trying things out and for scripts.

use super::{Done, Failure, commit, duration, opened};
use crate::access::{Action, Role, TokenRequest, issue_token};
use crate::audit::Subject;
use crate::config::Config;
use crate::ids::{ClinicId, PatientId, UserId};

#[derive(clap::Args)]
pub struct Args {
    /// Who the token speaks for
    #[arg(long)]
    user: String,
    /// admin, clinician, staff, patient, service or auditor; may be repeated
    #[arg(long, required = true)]
    role: Vec<Role>,
    /// The clinic; the single clinic of a small installation when left out
    #[arg(long)]
    clinic: Option<ClinicId>,
    /// A patient's own id, for the role patient; may be repeated
    #[arg(long)]
    patient: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: std::time::Duration,
}

pub async fn run(args: Args, config: Config) -> Done {
    if args.role.contains(&Role::Patient) && args.patient.is_empty() {
        let right = "a token of the role patient needs --patient with the patient's own id";
        return Err(Failure::Usage(vec![right.to_owned()]));
    }
    let opened = opened(config).await?;
    let request = TokenRequest {
        user: UserId::new(args.user),
        roles: args.role,
        clinic: args.clinic,
        patients: args.patient.into_iter().map(PatientId::new).collect(),
        ttl: args.ttl,
    };
    let subject = Subject {
        kind: Some("token"),
        id: Some(request.user.as_str().to_owned()),
        patient: request.patients.first().cloned(),
    };
    let roles: Vec<_> = request.roles.iter().map(|role| role.as_str()).collect();
    let detail = serde_json::json!({ "issue": true, "roles": roles });
    let tx = opened.db.begin().await?;
    commit(tx, &opened, Action::ManageKeys, (subject, request.clinic), detail).await?;
    let token = issue_token(&opened.jwt(), request, opened.clock.now());
    println!("{}", token.reveal());
    opened.db.close().await;
    Ok(())
}
