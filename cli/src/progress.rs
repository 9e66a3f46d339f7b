//! Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet.
//!
//! Nothing here runs by itself: [`watch`] ticks between the steps of the future it drives, so no line is drawn after
//! the work has ended.

use crate::stderr::Stderr;
use gristmill_engine::backend::{JobProgress, ProgressSource};
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// A statement that is faster than this shows no bar.
const BAR_AFTER: Duration = Duration::from_millis(500);
/// How often a bar is drawn.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Runs `work` to its end and shows its progress until then.
pub(crate) async fn watch<T>(
    stderr: &Stderr,
    label: &str,
    source: &dyn ProgressSource,
    work: impl Future<Output = T>,
) -> T {
    if stderr.is_quiet() {
        return work.await;
    }
    let mut display = Display::new(stderr, label);
    let mut ticks = tokio::time::interval(display.every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The first tick is due at once, when there is nothing to say.
    ticks.tick().await;
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            _ = ticks.tick() => display.show(source.progress()),
        }
    }
}

/// Where progress appears; dropping it takes the bar off the screen.
struct Display<'a> {
    stderr: &'a Stderr,
    label: &'a str,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl<'a> Display<'a> {
    fn new(stderr: &'a Stderr, label: &'a str) -> Self {
        Self { stderr, label, started: Instant::now(), bar: None }
    }

    fn every(&self) -> Duration {
        if self.stderr.is_terminal() { BAR_EVERY } else { LINE_EVERY }
    }

    fn show(&mut self, progress: JobProgress) {
        let elapsed = self.started.elapsed();
        if !self.stderr.is_terminal() {
            let text = describe(progress);
            self.stderr.line(&format!("{}: {}, {} s", self.label, text, elapsed.as_secs()));
            return;
        }
        if elapsed < BAR_AFTER {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::no_length().with_style(spinner()).with_elapsed(elapsed);
            bar.set_prefix(self.label.to_owned());
            self.stderr.add_bar(bar)
        });
        if let Some((done, total)) = measure(progress) {
            if bar.length().is_none() {
                bar.set_style(measured());
            }
            bar.set_length(total);
            bar.set_position(done);
        }
        bar.set_message(describe(progress));
        bar.tick();
    }
}

impl Drop for Display<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressStyle {
    style("{spinner} {prefix}  {msg}  {elapsed}")
}

fn measured() -> ProgressStyle {
    style("{spinner} {prefix} [{bar:24}] {msg}  {elapsed}").progress_chars("=> ")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// How much of how much is done, where that is known: tasks, or else rows of the input.
fn measure(progress: JobProgress) -> Option<(u64, u64)> {
    let by_tasks = (progress.tasks_done, progress.tasks_total);
    let by_rows = (progress.scanned_rows.min(progress.input_rows), progress.input_rows);
    [by_tasks, by_rows].into_iter().find(|(_, total)| *total > 0)
}

/// The numbers that are known, in words.
fn describe(progress: JobProgress) -> String {
    if progress == JobProgress::default() {
        return "running".to_owned();
    }
    let mut words = vec![
        format!("{} rows", HumanCount(progress.scanned_rows)),
        HumanBytes(progress.scanned_bytes).to_string(),
    ];
    if progress.tasks_total > 0 {
        words.push(format!("{}/{} tasks", progress.tasks_done, progress.tasks_total));
    }
    words.join(", ")
}

/// A duration for people: milliseconds below a second, tenths below a minute, words above.
pub(crate) fn describe_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else if duration < Duration::from_secs(60) {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        HumanDuration(duration).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_named_only_when_they_are_known() {
        let mut progress =
            JobProgress { scanned_rows: 1_234_567, scanned_bytes: 2048, ..JobProgress::default() };
        assert_eq!(describe(progress), "1,234,567 rows, 2.00 KiB");
        progress.tasks_total = 8;
        progress.tasks_done = 3;
        assert_eq!(describe(progress), "1,234,567 rows, 2.00 KiB, 3/8 tasks");
    }

    #[test]
    fn a_job_that_says_nothing_of_itself_is_running() {
        assert_eq!(describe(JobProgress::default()), "running");
    }

    #[test]
    fn a_bar_goes_by_tasks_or_else_by_rows() {
        let rows = JobProgress { scanned_rows: 30, input_rows: 40, ..JobProgress::default() };
        assert_eq!(measure(rows), Some((30, 40)));
        assert_eq!(measure(JobProgress { tasks_done: 1, tasks_total: 8, ..rows }), Some((1, 8)));
        assert_eq!(measure(JobProgress { input_rows: 0, ..rows }), None);
    }

    #[test]
    fn a_duration_reads_in_the_unit_that_fits() {
        let check = |duration, expected: &str| assert_eq!(describe_duration(duration), expected);
        check(Duration::from_millis(12), "12 ms");
        check(Duration::from_millis(1_234), "1.2 s");
        check(Duration::from_secs(120), "2 minutes");
    }
}
