//! Where things are in the repository and in the target folder.

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace").to_owned()
}

/// A path below the folder `tests`.
#[must_use]
pub fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Cargo's folder for what tests make, which outlives a run. Cargo names it (`CARGO_TARGET_TMPDIR`) to test binaries
/// only, so it is found from where such a binary is: `target/debug/deps/embedded-0123`.
#[must_use]
pub fn target_tmp() -> PathBuf {
    let executable = std::env::current_exe().expect("this executable has a path");
    let target = executable.ancestors().nth(3).expect("it is three levels below the target folder");
    let folder = target.join("tmp");
    std::fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder
}

/// All files below `folder`, relative to it, sorted; none if it is not there.
#[must_use]
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    // A folder may disappear while it is listed: then it has no files.
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            collect(root, &path, found);
        } else if let Ok(relative) = path.strip_prefix(root) {
            found.push(relative.to_string_lossy().into_owned());
        }
    }
}
