//! The error a user gets for a job that did not succeed.

use super::state::{End, Limits, Why};
use gristmill_engine::{Code, Error};
use std::time::Duration;

/// How often a text may have been quoted on its way here.
const MAX_QUOTES: usize = 3;

/// The error for `end`.
pub(super) fn of_end(end: &End, limits: &Limits) -> Error {
    match end {
        End::Failed(text) => of_text(text),
        End::NoExecutor => {
            let waited = seconds(limits.executor_wait);
            Error::new(Code::NoExecutor, format!("no executor came within {waited} to run the job"))
                .with_hint("start one with `gristmill executor`, or raise scheduler.executor_wait")
        }
        End::Cancelled(Why::Asked) | End::Delivered => Error::new(Code::Cancelled, "the job was cancelled"),
        End::Cancelled(Why::Deadline) => {
            let limit = seconds(limits.job_timeout);
            Error::new(Code::JobFailed, format!("the job took longer than {limit} and was stopped"))
                .with_hint("raise scheduler.job_timeout")
        }
        End::Cancelled(Why::NoProgress) => {
            let limit = seconds(limits.no_progress_timeout);
            Error::new(
                Code::JobFailed,
                format!("no task of the job started or ended for {limit}, and it was stopped"),
            )
            .with_hint("look for an executor that hangs, or raise scheduler.no_progress_timeout")
        }
        End::Lost => {
            Error::new(Code::JobFailed, "the scheduler lost the job").with_hint("run the statement again")
        }
    }
}

/// Ours, if a frame of it is in the text.
///
/// Ballista quotes the text of an error when it gives up on a task, which escapes what is in it.
fn of_text(text: &str) -> Error {
    let mut text = text.to_owned();
    for _ in 0..MAX_QUOTES {
        if let Some(error) = Error::unframe(&text) {
            return error;
        }
        text = unquote(&text);
    }
    let first_line =
        text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason was given");
    Error::new(Code::JobFailed, format!("the job failed: {}", first_line.trim_end_matches('.')))
        .with_hint("the logs of scheduler and executors say more")
}

/// Undoes one round of `{:?}` on a string; what is not an escape stays as it is.
fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (unescaped, length) = unescape(&rest[at..]).unwrap_or(('\\', 1));
        plain.push(unescaped);
        rest = &rest[at + length..];
    }
    plain.push_str(rest);
    plain
}

/// The character that the escape at the start of `text` stands for, and the escape's length in bytes.
fn unescape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().get(1)? {
        b'n' => Some(('\n', 2)),
        b'r' => Some(('\r', 2)),
        b't' => Some(('\t', 2)),
        b'0' => Some(('\0', 2)),
        quoted @ (b'\\' | b'"' | b'\'') => Some((char::from(*quoted), 2)),
        b'u' => {
            let end = text.find('}')?;
            let code = u32::from_str_radix(text.get(3..end)?, 16).ok()?;
            Some((char::from_u32(code)?, end + 1))
        }
        _ => None,
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        executor_wait: Duration::from_secs(30),
        job_timeout: Duration::from_hours(24),
        no_progress_timeout: Duration::from_mins(15),
    };

    fn framed() -> (Error, String) {
        let error =
            Error::new(Code::BadRow, "row \"7\" in \\\\host\nhas 3 fields, ü").with_hint("expected 2");
        let frame = error.frame();
        (error, frame)
    }

    fn check(text: &str) {
        let (expected, _) = framed();
        let found = of_end(&End::Failed(text.to_owned()), &LIMITS);
        assert_eq!(
            (found.code(), found.message(), found.hint()),
            (expected.code(), expected.message(), expected.hint()),
            "{text}"
        );
    }

    #[test]
    fn an_error_that_comes_back_inside_other_text_is_itself() {
        let (_, frame) = framed();
        check(&frame);
        check(&format!("Job failed due to stage 1 failed: External({frame})\n"));
    }

    #[test]
    fn an_error_that_was_quoted_on_its_way_is_itself() {
        let (_, frame) = framed();
        let once =
            format!("Task 1 failed 4 times, most recent failure reason: {:?}", format!("IoError({frame})"));
        check(&once);
        check(&format!("{once:?}"));
    }

    #[test]
    fn any_other_text_is_a_failed_job() {
        let error = of_end(&End::Failed("\n all executors were lost.\nmore".to_owned()), &LIMITS);
        assert_eq!(
            (error.code(), error.message()),
            (Code::JobFailed, "the job failed: all executors were lost")
        );
    }

    #[test]
    fn text_with_broken_escapes_is_no_panic() {
        for text in ["\\", "\\u{", "\\u{zz}", "\\u", "ü\\x", "\\u{110000}"] {
            assert_eq!(of_text(text).code(), Code::JobFailed);
        }
    }

    #[test]
    fn every_end_has_its_code() {
        let cases = [
            (End::NoExecutor, Code::NoExecutor),
            (End::Cancelled(Why::Asked), Code::Cancelled),
            (End::Cancelled(Why::Deadline), Code::JobFailed),
            (End::Cancelled(Why::NoProgress), Code::JobFailed),
            (End::Lost, Code::JobFailed),
        ];
        for (end, code) in cases {
            assert_eq!(of_end(&end, &LIMITS).code(), code, "{end:?}");
        }
    }
}
