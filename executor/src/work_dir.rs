//! The executor's private folder: gone when the executor is, one way or the other.

use gristmill_engine::{Error, Result};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const PREFIX: &str = "executor-";
const LOCK_SUFFIX: &str = "lock";

/// A folder that nobody else uses. Dropping it removes it.
///
/// Beside the folder is a file that its owner holds locked. The lock ends with the process, however that ends, so a
/// folder whose file can be locked has no owner. (A process id would not do: on scratch that several machines share,
/// the owner may live on another one.)
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Makes a new folder in `scratch`, after removing those of executors that are no more.
    ///
    /// # Errors
    /// `AccessDenied`, `ResourcesExhausted` or `StorageUnavailable`: `scratch` cannot be used.
    pub(crate) fn create(scratch: &Path) -> Result<Self> {
        sweep(scratch);
        Self::take(scratch).map_err(|error| {
            Error::from_io(error, scratch.display()).context("could not make the executor's scratch folder")
        })
    }

    fn take(scratch: &Path) -> io::Result<Self> {
        loop {
            let path = scratch.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
            let lock_path = path.with_extension(LOCK_SUFFIX);
            let lock = File::create_new(&lock_path)?;
            lock.lock()?;
            // An executor that starts now may have swept the file before it was locked.
            if lock_path.exists() {
                let work_dir = Self { path, lock_path, _lock: lock };
                fs::create_dir_all(work_dir.exchange())?;
                fs::create_dir_all(work_dir.spill())?;
                return Ok(work_dir);
            }
        }
    }

    /// Where exchange files go.
    pub(crate) fn exchange(&self) -> PathBuf {
        self.path.join("exchange")
    }

    /// Where operators spill. Apart from exchange files: Ballista deletes whatever is old where those are.
    pub(crate) fn spill(&self) -> PathBuf {
        self.path.join("spill")
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        remove(&self.path, &self.lock_path);
    }
}

/// Removes the folders in `scratch` whose owner is gone. What cannot be removed is left for the next one to try.
fn sweep(scratch: &Path) {
    let Ok(entries) = fs::read_dir(scratch) else { return };
    for lock_path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = lock_path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_lock = name.starts_with(PREFIX) && lock_path.extension().is_some_and(|it| it == LOCK_SUFFIX);
        if !is_lock {
            continue;
        }
        // A file system without locks gives an error here, and then nothing is known about the owner.
        if let Ok(lock) = File::open(&lock_path)
            && lock.try_lock().is_ok()
        {
            tracing::info!(path = %lock_path.display(), "removing the scratch folder of an executor that is gone");
            remove(&lock_path.with_extension(""), &lock_path);
        }
    }
}

fn remove(path: &Path, lock_path: &Path) {
    // The lock file goes last: a folder without one would never be swept.
    let removed = match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_file(lock_path),
    };
    if let Err(error) = removed {
        tracing::warn!(path = %path.display(), %error, "could not remove a scratch folder");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scratch: &Path) -> usize {
        fs::read_dir(scratch).unwrap().count()
    }

    #[test]
    fn a_dropped_folder_is_gone_with_its_files() {
        let scratch = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::create(scratch.path()).unwrap();
        fs::write(work_dir.exchange().join("data.arrow"), "x").unwrap();
        drop(work_dir);
        assert_eq!(names(scratch.path()), 0);
    }

    #[test]
    fn the_folder_of_a_living_executor_survives_the_start_of_another() {
        let scratch = tempfile::tempdir().unwrap();
        let first = WorkDir::create(scratch.path()).unwrap();
        let second = WorkDir::create(scratch.path()).unwrap();
        assert!(first.exchange().is_dir() && second.exchange().is_dir());
    }

    #[test]
    fn the_folder_of_a_dead_executor_is_swept() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir_all(scratch.path().join("executor-dead/job/1")).unwrap();
        fs::write(scratch.path().join("executor-dead.lock"), "").unwrap();
        fs::create_dir(scratch.path().join("somebody-elses")).unwrap();
        let work_dir = WorkDir::create(scratch.path()).unwrap();
        assert!(!scratch.path().join("executor-dead").exists());
        assert!(scratch.path().join("somebody-elses").exists() && work_dir.spill().is_dir());
    }
}
