//! Lists and figures over very many documents: `make bench ARGS="--lists 1000000"`.
//!
//! One call after the other over one connection, so that the figures are how long the server takes
//! and not how long calls wait for each other.

use std::time::Instant;

use http::Method;
use serde_json::Value;

use crate::Failure;
use crate::client::Client;
use crate::drive::Bench;
use crate::seed;

/// Calls before counting begins, and calls that count.
const WARM_UP: usize = 5;
const CALLS: usize = 60;

/// Who asks: for the table, user, role, patient.
const CALLERS: &[(&str, &str, &str, Option<u32>)] = &[
    ("admin", "bench", "admin", None),
    ("clinician, 30 patients", seed::CLINICIAN, "clinician", None),
    ("clinician, 2000 patients", seed::BUSY_CLINICIAN, "clinician", None),
    ("staff", "bench", "staff", None),
    ("patient", "bench", "patient", Some(3)),
];

/// What is asked for; `{half}` is a cursor half-way down the clinic's documents.
const QUERIES: &[(&str, &str)] = &[
    ("first page of 50", "/api/docs"),
    ("page of 1,000", "/api/docs?limit=1000"),
    ("page half-way down", "/api/docs?cursor={half}"),
    ("one patient", "/api/docs?patientId={patient}"),
    ("one category", "/api/docs?category=insurance"),
    ("quarantined", "/api/docs?state=quarantined"),
    ("by name", "/api/docs?sort=filename"),
    ("largest", "/api/docs?sort=-size"),
    ("a rare word", "/api/docs?q=rheuma"),
    ("a common word", "/api/docs?q=letter"),
    ("figures", "/api/v2/aws/s3/stats"),
];

/// Measures every query of every caller and prints the table.
pub async fn measure(bench: &Bench, documents: u32) -> Result<(), Failure> {
    println!("\n{documents} documents in 3 clinics, {CALLS} calls each, milliseconds\n");
    println!("{:<26}{:<22}{:>6}{:>10}{:>10}", "caller", "query", "rows", "p50", "worst");
    for (name, user, role, patient) in CALLERS {
        let patient_id = seed::patient(patient.unwrap_or(3));
        let mut command = vec!["token", "--user", user, "--role", role];
        if patient.is_some() {
            command.extend(["--patient", &patient_id]);
        }
        let token = bench.server.run(&command)?;
        let mut client = bench.client_with(&token).await?;
        // The documents are 30 seconds apart from the beginning of 2024 on.
        let half = crate::server::seconds_after_2024(u64::from(documents / 2) * 30);
        let path = format!("/api/docs?limit=1&to={half}");
        let page = client.with(async |c| c.json(Method::GET, &path, None).await).await?;
        let half = page["nextCursor"].as_str().unwrap_or_default().to_owned();
        for (query, path) in QUERIES {
            if path.contains("stats") && *role != "admin" {
                continue;
            }
            let path = path.replace("{half}", &half).replace("{patient}", &patient_id);
            let call = async |c: &mut Client| c.call(Method::GET, &path, None).await;
            let mut took = Vec::with_capacity(CALLS);
            let mut rows = 0;
            for n in 0..WARM_UP + CALLS {
                let start = Instant::now();
                let answer = client.with(call).await?;
                if n >= WARM_UP {
                    took.push(start.elapsed().as_secs_f64() * 1e3);
                }
                let answer: Value = serde_json::from_slice(&answer)?;
                rows = answer["items"].as_array().map_or(0, Vec::len);
            }
            let p50 = crate::table::median(&took);
            let worst = took.iter().copied().fold(0.0, f64::max);
            println!("{name:<26}{query:<22}{rows:>6}{p50:>10.2}{worst:>10.2}");
        }
    }
    Ok(())
}
