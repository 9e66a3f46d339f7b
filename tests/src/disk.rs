//! A disk that is soon full.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A file system in memory of 3 MiB; dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one, or says on stderr that `test` is skipped: it takes root, and containers may lack the right.
    ///
    /// # Panics
    /// There is no folder to mount it at.
    #[must_use]
    pub fn mount(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            Ok(output) => skip(test, String::from_utf8_lossy(&output.stderr).trim()),
            Err(error) => skip(test, &error.to_string()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn skip(test: &str, why: &str) -> Option<SmallDisk> {
    eprintln!("SKIPPED {test}: cannot mount a small disk: {why}");
    None
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still have a file open.
        let unmounted = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("could not unmount {}", self.folder.path().display());
        }
    }
}
