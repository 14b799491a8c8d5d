//! Arithmetic and the table: medians, percentiles, ratios. No I/O.

use serde::Serialize;

/// The middle of some figures; of an even number, the mean of the two in the middle.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The smallest figure that at least `share` (0 to 1) of the figures do not exceed.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn percentile(figures: &mut [u64], share: f64) -> u64 {
    figures.sort_unstable();
    let rank = (share * figures.len() as f64).ceil() as usize;
    figures.get(rank.max(1) - 1).copied().unwrap_or(0)
}

/// One operation that ended.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Microseconds from the beginning of the measurement to its end.
    pub at: u64,
    /// Microseconds it took.
    pub took: u64,
    /// Bytes of content it moved.
    pub bytes: u64,
}

/// Operations and bytes a second: the median of `slices` equal slices of `span` microseconds.
#[allow(clippy::cast_precision_loss)]
pub fn rates(done: &[Done], span: u64, slices: usize) -> (f64, f64) {
    let mut counted = vec![(0_u64, 0_u64); slices];
    let width = (span / slices as u64).max(1);
    for one in done {
        let slice = usize::try_from(one.at / width).unwrap_or(usize::MAX);
        if let Some((operations, bytes)) = counted.get_mut(slice) {
            *operations += 1;
            *bytes += one.bytes;
        }
    }
    let seconds = width as f64 / 1e6;
    let each = |pick: fn(&(u64, u64)) -> u64| {
        median(&counted.iter().map(|slice| pick(slice) as f64 / seconds).collect::<Vec<_>>())
    };
    (each(|slice| slice.0), each(|slice| slice.1))
}

/// What one case came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The case's name, for `--only`.
    pub name: &'static str,
    /// The figure that counts.
    pub figure: f64,
    /// `/s` or `MB/s`.
    pub unit: &'static str,
    /// What to reach, in the same unit.
    pub goal: Option<f64>,
    /// The limit of this machine it is compared with, and that limit's name.
    pub limit: f64,
    /// What the limit is.
    pub limit_name: &'static str,
    /// Milliseconds within which half of the operations ended.
    pub p50_ms: f64,
    /// Milliseconds within which 99 of 100 ended.
    pub p99_ms: f64,
    /// The server's own processor time, milliseconds an operation.
    pub cpu_ms: f64,
    /// The server's largest resident memory during the case, MiB.
    pub memory_mib: f64,
}

/// The rows as text, aligned; widest cell decides.
pub fn table(rows: &[Row]) -> String {
    let head = ["case", "measured", "goal", "of goal", "limit here", "ratio"].into_iter();
    let head = head.chain(["p50 ms", "p99 ms", "CPU ms", "MiB"]).map(ToOwned::to_owned);
    let mut lines: Vec<Vec<String>> = vec![head.collect()];
    lines.extend(rows.iter().map(cells));
    let columns = lines[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|c| lines.iter().map(|l| l[c].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let blank = " ".repeat(width - cell.chars().count());
            // Words to the left, figures to the right.
            let cell =
                if column == 0 { format!("{cell}{blank}") } else { format!("  {blank}{cell}") };
            text.push_str(&cell);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn cells(row: &Row) -> Vec<String> {
    let share = |of: f64| if of > 0.0 { format!("{:.2}", row.figure / of) } else { "-".to_owned() };
    let goal = |pick: &dyn Fn(f64) -> String| row.goal.map_or_else(|| "-".to_owned(), pick);
    vec![
        row.name.to_owned(),
        format!("{} {}", grouped(row.figure), row.unit),
        goal(&|goal| grouped(goal)),
        goal(&share),
        format!("{} {}", grouped(row.limit), row.limit_name),
        share(row.limit),
        format!("{:.2}", row.p50_ms),
        format!("{:.2}", row.p99_ms),
        format!("{:.3}", row.cpu_ms),
        format!("{:.0}", row.memory_mib),
    ]
}

/// A whole number with a comma every three digits.
pub fn grouped(figure: f64) -> String {
    let digits = format!("{:.0}", figure.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Refuses to measure with arithmetic that is wrong. A bench has no test harness of its own, so
/// this runs at every start.
pub fn check_arithmetic() {
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(median(&[3.0, 1.0, 2.0]), 2.0), "median of three");
    assert!(close(median(&[4.0, 1.0, 2.0, 3.0]), 2.5), "median of four");
    assert!(close(median(&[]), 0.0), "median of nothing");
    let mut hundred: Vec<u64> = (1..=100).rev().collect();
    assert_eq!(percentile(&mut hundred, 0.50), 50, "half of a hundred");
    assert_eq!(percentile(&mut hundred, 0.99), 99, "99 of a hundred");
    assert_eq!(percentile(&mut [7], 0.99), 7, "99 of one");
    assert_eq!(percentile(&mut [], 0.5), 0, "half of nothing");
    // Five slices of a second: 1, 2, 3, 4, 5 operations of 10 bytes; the middle one counts, and
    // what ended after the last slice does not.
    let done: Vec<Done> = (0..5_u64)
        .flat_map(|s| (0..=s).map(move |i| Done { at: s * 1_000_000 + i, took: 1, bytes: 10 }))
        .chain([Done { at: 5_000_001, took: 1, bytes: 10 }])
        .collect();
    let (operations, bytes) = rates(&done, 5_000_000, 5);
    assert!(close(operations, 3.0) && close(bytes, 30.0), "rates of five slices");
    assert_eq!(grouped(1_234_567.4), "1,234,567");
    assert_eq!(grouped(12.0), "12");
    let row = Row { name: "x", figure: 50.0, unit: "/s", goal: Some(100.0), ..Row::default() };
    let text = table(&[row]);
    assert_eq!(text.lines().count(), 2, "a head and a row");
    assert!(
        text.lines().nth(1).is_some_and(|l| l.contains("50 /s") && l.contains("0.50")),
        "{text}"
    );
}
