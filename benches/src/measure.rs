//! Medians, and what Linux knows about this process: CPU time and peak memory.

use gristmill_engine::{Code, Error, Result};
use std::num::NonZero;
use tokio::runtime::Runtime;

/// Ticks of `/proc/self/stat` in a second, `USER_HZ`: part of Linux's interface, 100 on every common architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The runtime that everything asynchronous is measured on: one worker per core, as in the `gristmill` binary.
///
/// # Errors
/// `ResourcesExhausted`: no threads.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::ResourcesExhausted, "could not start threads").with_source(error))
}

/// The middle value, the mean of the two in the middle of an even number; NaN of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    match (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

/// The smallest value that `share` (0 to 1) of all values do not exceed; NaN of none.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let rank = (values.len() as f64 * share).ceil() as usize;
    sorted(values).get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// The smallest value; NaN of none.
pub(crate) fn minimum(values: &[f64]) -> f64 {
    percentile(values, 0.0)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// CPU time of all threads of this process so far, user and system, in seconds; to 10 ms.
///
/// # Errors
/// `Unsupported` where there is no `/proc`.
pub(crate) fn cpu_seconds() -> Result<f64> {
    let stat = proc_file("/proc/self/stat")?;
    // The second field is the program's name in parentheses, which may hold anything. Behind it, `utime` and `stime`
    // are fields 14 and 15 of proc_pid_stat(5).
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Ok((user + system) / TICKS_PER_SECOND),
        _ => Err(unreadable("/proc/self/stat")),
    }
}

/// The largest resident memory of this process so far, `VmHWM`, in bytes.
///
/// # Errors
/// `Unsupported` where there is no `/proc`.
pub(crate) fn peak_rss_bytes() -> Result<u64> {
    let status = proc_file("/proc/self/status")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1024).ok_or_else(|| unreadable("/proc/self/status"))
}

fn proc_file(path: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path).with_source(error))
}

fn unreadable(path: &str) -> Error {
    Error::new(Code::Unsupported, format!("{path} does not say what this process uses"))
        .with_hint("these measurements need Linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |values: &[f64], expected: f64| assert_eq!(median(values).to_bits(), expected.to_bits());
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let check =
            |share, expected: f64| assert_eq!(percentile(&values, share).to_bits(), expected.to_bits());
        check(0.95, 190.0);
        check(1.0, 200.0);
        check(0.0, 1.0);
    }

    #[test]
    fn this_process_has_used_memory() {
        assert!(peak_rss_bytes().is_ok_and(|bytes| bytes > 1 << 20));
        assert!(cpu_seconds().is_ok());
    }
}
