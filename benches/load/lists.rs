//! Lists and figures over very many documents: `make bench ARGS="--lists 1000000"`.
//!
//! One call after the other over one connection, so that the figures are how long the server takes
//! and not how long calls wait for each other.

use std::time::Instant;

use http::Method;
use serde_json::Value;

use crate::Failure;
use crate::client::Client;
use crate::drive::{Alone, Bench};
use crate::seed;

/// Calls before counting begins, and calls that count.
const WARM_UP: usize = 5;
const CALLS: usize = 60;

/// Who asks: for the table, user, role, one patient whose documents they see.
const CALLERS: &[(&str, &str, &str, u32)] = &[
    ("admin", "bench", "admin", 3),
    ("clinician, 30 patients", seed::CLINICIAN, "clinician", 3),
    ("clinician, 2000 patients", seed::BUSY_CLINICIAN, "clinician", 3),
    ("clinician, 250 of old", seed::FORMER_CLINICIAN, "clinician", 503),
    ("staff", "bench", "staff", 3),
    ("patient", "bench", "patient", 3),
];

/// What is asked for; `{half}` is a cursor half-way down the clinic's documents, `{deep}` one behind
/// the first 20,000, `{day}` the day that begins there.
const QUERIES: &[(&str, &str)] = &[
    ("first page of 50", "/api/docs"),
    ("page of 1,000", "/api/docs?limit=1000"),
    ("page half-way down", "/api/docs?cursor={half}"),
    ("one patient", "/api/docs?patientId={patient}"),
    ("one category", "/api/docs?category=insurance"),
    ("quarantined", "/api/docs?state=quarantined"),
    ("oldest", "/api/docs?sort=created"),
    ("by name", "/api/docs?sort=filename"),
    ("by name, deep", "/api/docs?sort=filename&cursor={deep}"),
    ("largest", "/api/docs?sort=-size"),
    ("largest, deep", "/api/docs?sort=-size&cursor={deep}"),
    ("a rare word", "/api/docs?q=rheuma"),
    ("a common word", "/api/docs?q=letter"),
    ("a rare type", "/api/docs?type=application/dicom"),
    ("a rare type by name", "/api/docs?type=application/dicom&sort=filename"),
    ("a day", "/api/docs?{day}"),
    ("a day by name", "/api/docs?sort=filename&{day}"),
    ("a day, largest", "/api/docs?sort=-size&{day}"),
    ("figures", "/api/v2/aws/s3/stats"),
];

/// Measures every query of every caller and prints the table.
pub async fn measure(bench: &Bench, documents: u32) -> Result<(), Failure> {
    println!("\n{documents} documents in 3 clinics, {CALLS} calls each, milliseconds\n");
    println!(
        "{:<26}{:<22}{:>6}{:>10}{:>10}{:>10}",
        "caller", "query", "rows", "p50", "worst", "server"
    );
    for (name, user, role, patient) in CALLERS {
        let patient_id = seed::patient(*patient);
        let mut command = vec!["token", "--user", user, "--role", role];
        if *role == "patient" {
            command.extend(["--patient", &patient_id]);
        }
        let token = bench.server.run(&command)?;
        let mut client = bench.client_with(&token).await?;
        // The documents are 30 seconds apart from the beginning of 2024 on.
        let half = crate::server::seconds_after_2024(u64::from(documents / 2) * 30);
        let path = format!("/api/docs?limit=1&to={half}");
        let page = client.with(async |c| c.json(Method::GET, &path, None).await).await?;
        let half = page["nextCursor"].as_str().unwrap_or_default().to_owned();
        let day = format!(
            "from={}&to={}",
            crate::server::seconds_after_2024(u64::from(documents / 2) * 30),
            crate::server::seconds_after_2024(u64::from(documents / 2) * 30 + 86_400)
        );
        for (query, path) in QUERIES {
            if path.contains("stats") && *role != "admin" {
                continue;
            }
            let path = path.replace("{day}", &day).replace("{patient}", &patient_id);
            let path = match path.split_once("&cursor={deep}") {
                Some((begin, _)) => deep(&mut client, begin).await?,
                None => path.replace("{half}", &half),
            };
            let (rows, took, server) = timed(&mut client, &path).await?;
            let p50 = crate::table::median(&took);
            let worst = took.iter().copied().fold(0.0, f64::max);
            println!("{name:<26}{query:<22}{rows:>6}{p50:>10.2}{worst:>10.2}{server:>10.2}");
        }
    }
    Ok(())
}

/// The page after the first 20 of 1,000 documents, or after as many as there are.
async fn deep(client: &mut Alone, begin: &str) -> Result<String, Failure> {
    let mut path = begin.to_owned();
    for _ in 0..20 {
        let far = format!("{path}&limit=1000");
        let page = client.with(async |c| c.json(Method::GET, &far, None).await).await?;
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("{begin}&cursor={next}");
    }
    Ok(path)
}

/// How many rows a call gives, how long each call took, and what the server says a call took it on
/// the average, warming up included.
async fn timed(client: &mut Alone, path: &str) -> Result<(usize, Vec<f64>, f64), Failure> {
    let call = async |c: &mut Client| c.call(Method::GET, path, None).await;
    let mut took = Vec::with_capacity(CALLS);
    let mut rows = 0;
    let before = served(client).await?;
    for n in 0..WARM_UP + CALLS {
        let start = Instant::now();
        let answer = client.with(call).await?;
        if n >= WARM_UP {
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let answer: Value = serde_json::from_slice(&answer)?;
        rows = answer["items"].as_array().map_or(0, Vec::len);
    }
    let after = served(client).await?;
    Ok((rows, took, (after.0 - before.0) / (after.1 - before.1).max(1.0) * 1e3))
}

/// Seconds that the server has spent on lists and figures, and how many calls that were.
async fn served(client: &mut Alone) -> Result<(f64, f64), Failure> {
    let text = client.with(async |c| c.call(Method::GET, "/metrics", None).await).await?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let sum = |mark: &str| {
        let lines = text.lines().filter(|line| line.starts_with(mark) && line.contains("/api/"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
    };
    let name = "strongroom_http_request_seconds";
    Ok((sum(&format!("{name}_sum")), sum(&format!("{name}_count"))))
}
