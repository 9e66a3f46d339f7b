//! `gristmill training-set gc`: removes what dead jobs left at a location, and says what that was.

use crate::app::App;
use crate::args::GcArgs;
use crate::stop::Outcome;
use gristmill_engine::commit::{Garbage, GarbageReport, Tally};
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::{Code, Error, Result};
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use std::io::ErrorKind;
use std::time::SystemTime;

/// Runs it.
pub(crate) async fn run(args: &GcArgs, app: &mut App) -> Outcome {
    let location = Location::parse(&args.location.location)?;
    let store = Stores::new(&app.config.s3, &app.config.write).shards(&location)?;
    let work = async {
        let garbage = Garbage::idle_for(store, args.older_than, SystemTime::now()).await?;
        let found = garbage.report();
        if found.is_empty() && found.kept.is_empty() {
            check_is_there(&location)?;
        }
        if args.dry_run { Ok(found) } else { garbage.remove().await }
    };
    let report = app.interrupts.unless_stopped(work).await??;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for line in lines(&report, verb, location.is_local()) {
        app.output.line(&line)?;
    }
    Ok(())
}

/// A path without anything is misspelt; an object store has no folders that could be there.
fn check_is_there(location: &Location) -> Result<()> {
    let Some(path) = location.local_path() else { return Ok(()) };
    let hint = "check the path: it is the LOCATION of a training set, or what a COPY was to write";
    match path.symlink_metadata() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("there is nothing at \"{location}\"");
            Err(Error::new(Code::PathNotFound, message).with_hint(hint).with_source(error))
        }
        Err(error) => Err(Error::from_io(error, location)),
    }
}

fn lines(report: &GarbageReport, verb: &str, is_local: bool) -> Vec<String> {
    let kinds = [
        (if is_local { "temporary files" } else { "open uploads" }, report.staged),
        ("published files without a manifest", report.published),
        ("claims and notes", report.notes),
    ];
    let found = kinds.into_iter().filter(|(_, tally)| tally.count > 0);
    let mut lines: Vec<String> =
        found.map(|(kind, tally)| format!("{verb} {}", counted(kind, tally))).collect();
    if lines.is_empty() {
        lines.push("nothing to remove".to_owned());
    }
    lines.extend(report.jobs.iter().map(|job| format!("dead job: {job}")));
    lines.extend(report.kept.iter().map(|kept| {
        let who = kept.job.as_ref().map_or("files of an unknown job".to_owned(), |job| format!("job {job}"));
        format!("kept: {who}, changed {} ago", HumanDuration(kept.idle))
    }));
    lines
}

fn counted(kind: &str, tally: Tally) -> String {
    let count = HumanCount(tally.count);
    if tally.bytes == 0 {
        return format!("{kind}: {count}");
    }
    format!("{kind}: {count}, {}", HumanBytes(tally.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gristmill_engine::commit::KeptJob;
    use std::time::Duration;

    #[test]
    fn each_kind_has_a_line_with_its_bytes_where_they_are_known() {
        let report = GarbageReport {
            jobs: vec!["j".to_owned()],
            staged: Tally { count: 2, bytes: 0 },
            published: Tally { count: 1, bytes: 2048 },
            notes: Tally { count: 1, bytes: 0 },
            kept: Vec::new(),
        };
        let expected = [
            "removed open uploads: 2",
            "removed published files without a manifest: 1, 2.00 KiB",
            "removed claims and notes: 1",
            "dead job: j",
        ];
        assert_eq!(lines(&report, "removed", false), expected);
    }

    #[test]
    fn nothing_is_said_to_be_nothing_and_who_is_kept_is_named() {
        let kept = KeptJob { job: Some("j".to_owned()), idle: Duration::from_secs(7200) };
        let report = GarbageReport { kept: vec![kept], ..GarbageReport::default() };
        let expected = ["nothing to remove", "kept: job j, changed 2 hours ago"];
        assert_eq!(lines(&report, "would remove", true), expected);
    }
}
