//! How far it is: bars on a terminal, now and then a line elsewhere, nothing for scripts.
//!
//! Everything goes to standard error; results go to standard output through [`Reporter::result`],
//! which keeps them apart from the bars.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::human;

/// Where there are no bars a transfer tells how far it is this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How progress is told.
#[derive(Clone)]
pub enum Reporter {
    /// Bars.
    Bars(MultiProgress),
    /// Lines.
    Lines,
    /// Nothing.
    Silent,
}

impl Reporter {
    /// By where standard error goes; nothing while JSON is printed.
    pub fn new(json: bool) -> Self {
        if json {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            Self::Bars(MultiProgress::new())
        } else {
            Self::Lines
        }
    }

    /// A meter for one file.
    pub fn meter(&self, name: &str, total: u64) -> Meter {
        let bar = if let Self::Bars(all) = self {
            all.add(ProgressBar::new(total).with_style(style()))
        } else {
            ProgressBar::hidden()
        };
        bar.set_length(total);
        // A name may be wider than the terminal.
        bar.set_prefix(name.chars().take(32).collect::<String>());
        let lines = matches!(self, Self::Lines).then(|| {
            let at = Mutex::new(Instant::now());
            Arc::new(Lines { name: name.to_owned(), total, at })
        });
        Meter { bar, lines }
    }

    /// Prints a line of the result.
    pub fn result(&self, line: &str) {
        self.apart(|| {
            // Nobody reads any more: that is no fault of the transfer.
            let _ = writeln!(std::io::stdout(), "{line}");
        });
    }

    /// Tells something, unless nothing is to be told.
    pub fn say(&self, line: &str) {
        if !matches!(self, Self::Silent) {
            self.apart(|| eprintln!("{line}"));
        }
    }

    fn apart(&self, print: impl FnOnce()) {
        match self {
            Self::Bars(all) => all.suspend(print),
            Self::Lines | Self::Silent => print(),
        }
    }
}

fn style() -> ProgressStyle {
    // 80 columns are enough; the bar takes what is left.
    let template = "{prefix:20!} {wide_bar} {percent:>3} % {decimal_total_bytes:>9} \
                    {decimal_bytes_per_sec:>11} {eta:>4} {msg:10}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// How far one file is.
#[derive(Clone)]
pub struct Meter {
    bar: ProgressBar,
    lines: Option<Arc<Lines>>,
}

struct Lines {
    name: String,
    total: u64,
    at: Mutex<Instant>,
}

impl Meter {
    /// What is being done now; the count begins at a number of bytes.
    pub fn stage(&self, what: &'static str, from: u64) {
        self.bar.set_message(what);
        self.bar.set_position(from);
        self.bar.reset_eta();
    }

    /// So many bytes more.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let Some(lines) = &self.lines else { return };
        let mut at = lines.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.elapsed() >= LINE_EVERY {
            *at = Instant::now();
            let (done, total) = (self.bar.position().min(lines.total), lines.total);
            let percent = u128::from(done) * 100 / u128::from(total.max(1));
            let what = self.bar.message();
            let (done, total) = (human(done), human(total));
            eprintln!("{}: {what} {percent} %, {done} of {total}", lines.name);
        }
    }

    /// So many bytes fewer: they have to be sent again.
    pub fn take_back(&self, bytes: u64) {
        self.bar.set_position(self.bar.position().saturating_sub(bytes));
    }

    /// The end of it.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
