//! Which jobs are under way, on the disk of the process that runs them: for the one that starts after it was killed.
//!
//! What is done about them is the scheduler's business.

use crate::error::{Code, Error, Result};
use crate::storage::Location;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const PREFIX: &str = "scheduler-";
const LOCK_SUFFIX: &str = "lock";

/// The notes of one process, one file for each job. Dropping it removes their folder if no note is left in it.
///
/// Beside the folder is a file that its owner holds locked, as that of an executor: a folder whose file can be locked
/// has no owner any more.
#[derive(Debug)]
pub struct JobNotes {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

/// A job that is under way, or was when its process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedJob {
    /// The job.
    pub job: String,
    /// Where it writes.
    pub location: String,
}

/// The note of a job, until it is told to forget it.
#[derive(Debug)]
pub struct JobNote {
    path: PathBuf,
}

impl JobNotes {
    /// Begins a folder of notes in `scratch`.
    ///
    /// # Errors
    /// `AccessDenied`, `ResourcesExhausted` or `StorageUnavailable`: `scratch` cannot be used.
    pub fn begin(scratch: &Path) -> Result<Self> {
        Self::take(scratch).map_err(|error| {
            Error::from_io(error, scratch.display()).context("could not make a folder for notes about jobs")
        })
    }

    fn take(scratch: &Path) -> io::Result<Self> {
        loop {
            let folder = scratch.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
            let lock_path = folder.with_extension(LOCK_SUFFIX);
            let lock = File::create_new(&lock_path)?;
            lock.lock()?;
            // A process that starts now may have taken the file before it was locked.
            if lock_path.exists() {
                fs::create_dir_all(&folder)?;
                return Ok(Self { folder, lock_path, _lock: lock });
            }
        }
    }

    /// The notes in `scratch` of processes that are no more, each folder for one caller at a time.
    #[must_use]
    pub fn lost(scratch: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(scratch) else { return Vec::new() };
        let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        paths.filter_map(|path| Self::take_over(&path)).collect()
    }

    fn take_over(lock_path: &Path) -> Option<Self> {
        let name = lock_path.file_name()?.to_str()?;
        if !name.starts_with(PREFIX) || lock_path.extension()? != LOCK_SUFFIX {
            return None;
        }
        // A file system without locks gives an error here, and then nothing is known about the owner.
        let lock = File::open(lock_path).ok()?;
        lock.try_lock().ok()?;
        Some(Self { folder: lock_path.with_extension(""), lock_path: lock_path.to_owned(), _lock: lock })
    }

    /// Notes a job; the note survives a crash of the machine.
    ///
    /// # Errors
    /// As [`JobNotes::begin`].
    pub async fn note(&self, job: &str, location: &Location) -> Result<JobNote> {
        let path = self.folder.join(format!("{job}.json"));
        let noted = NotedJob { job: job.to_owned(), location: location.to_string() };
        let text = serde_json::to_vec(&noted).map_err(|error| {
            Error::new(Code::Internal, "could not write a note about a job").with_source(error)
        })?;
        let (folder, target) = (self.folder.clone(), path.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &target, &text)).await;
        match written {
            Ok(written) => written.map_err(|error| {
                Error::from_io(error, path.display()).context("could not note that a job begins")
            })?,
            Err(stopped) => {
                return Err(Error::new(Code::Internal, "noting a job stopped").with_source(stopped));
            }
        }
        Ok(JobNote { path })
    }

    /// What is noted, each job with its note. A note that was cut short has none: its job has not begun.
    #[must_use]
    pub fn jobs(&self) -> Vec<(NotedJob, JobNote)> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.sort();
        let read = |path: PathBuf| match serde_json::from_slice(&fs::read(&path).ok()?) {
            Ok(noted) => Some((noted, JobNote { path })),
            Err(_) => {
                JobNote { path }.forget();
                None
            }
        };
        paths.into_iter().filter_map(read).collect()
    }
}

impl Drop for JobNotes {
    fn drop(&mut self) {
        // The lock file goes last: a folder without one would never be found. It stays while there are notes.
        if fs::remove_dir(&self.folder).is_ok() || !self.folder.exists() {
            fs::remove_file(&self.lock_path).ok();
        }
    }
}

impl JobNote {
    /// Removes the note: nothing of the job is left to clean up.
    pub fn forget(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the note about a job");
        }
    }
}

fn write(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    // Whoever tidies up scratch folders may have removed it.
    fs::create_dir_all(folder)?;
    let mut file = File::create(path)?;
    file.write_all(text)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location() -> Location {
        Location::parse("s3://b/x").unwrap()
    }

    /// What is left on the disk by a process that ends without any of its destructors.
    async fn killed(scratch: &Path, job: &str) {
        let notes = JobNotes::begin(scratch).unwrap();
        notes.note(job, &location()).await.unwrap();
        let JobNotes { folder, lock_path, .. } = &notes;
        let (saved, kept) = (fs::read(folder.join(format!("{job}.json"))).unwrap(), folder.clone());
        let lock_path = lock_path.clone();
        fs::remove_dir_all(folder).unwrap();
        drop(notes);
        fs::create_dir_all(&kept).unwrap();
        fs::write(kept.join(format!("{job}.json")), saved).unwrap();
        fs::write(lock_path, "").unwrap();
    }

    fn jobs(notes: &[JobNotes]) -> Vec<NotedJob> {
        notes.iter().flat_map(JobNotes::jobs).map(|(noted, _)| noted).collect()
    }

    #[tokio::test]
    async fn notes_of_a_process_that_is_gone_are_found_once_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        killed(scratch.path(), "j").await;
        let found = JobNotes::lost(scratch.path());
        assert_eq!(jobs(&found), [NotedJob { job: "j".to_owned(), location: "s3://b/x".to_owned() }]);
        assert_eq!(JobNotes::lost(scratch.path()).len(), 0, "they are taken");
        drop(found);
        assert_eq!(jobs(&JobNotes::lost(scratch.path())).len(), 1, "a note stays until it is forgotten");
    }

    #[tokio::test]
    async fn notes_of_a_process_that_runs_are_left_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let notes = JobNotes::begin(scratch.path()).unwrap();
        let note = notes.note("j", &location()).await.unwrap();
        assert_eq!(JobNotes::lost(scratch.path()).len(), 0);
        note.forget();
        drop(notes);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn forgotten_notes_leave_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        killed(scratch.path(), "j").await;
        let found = JobNotes::lost(scratch.path());
        found.iter().flat_map(JobNotes::jobs).for_each(|(_, note)| note.forget());
        drop(found);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
