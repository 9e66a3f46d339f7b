//! What jobs left in a folder, told by its name.

use super::super::{Leftover, is_job_id};
use super::{PUT, Token, files, parse_temporary, token};
use crate::error::Result;
use crate::manifest::META_FOLDER;
use std::path::{Path, PathBuf};

/// The temporary files of the location `root`: in the folder itself, in those of its splits, and below that of its
/// manifest.
///
/// A folder with a folder of that name is a location of its own: a job may be writing there. A location that is no folder
/// is a single file, or was to be one: its temporary files lie beside it.
pub(super) fn find(root: &Path) -> Result<Vec<Leftover>> {
    if !root.is_dir() {
        return of_file(root);
    }
    let mut found = Vec::new();
    for (path, is_folder) in files::entries(root)? {
        if !is_folder {
            found.push(path);
        } else if path.ends_with(META_FOLDER) {
            found.extend(files::below(&path, root)?.into_iter().map(|relative| root.join(relative)));
        } else if !path.join(META_FOLDER).is_dir() {
            found.extend(files_of(&path)?);
        }
    }
    found.into_iter().filter_map(|path| leftover(root, &path).transpose()).collect()
}

fn of_file(target: &Path) -> Result<Vec<Leftover>> {
    let (Some(folder), Some(name)) = (target.parent(), target.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let beside = files_of(folder)?.into_iter().filter(|path| {
        let found = path.file_name().and_then(|name| name.to_str()).and_then(parse_temporary);
        found.is_some_and(|(file, _)| file == name)
    });
    beside.filter_map(|path| leftover(target, &path).transpose()).collect()
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = files::entries(folder)?;
    Ok(entries.into_iter().filter(|(_, is_folder)| !is_folder).map(|(path, _)| path).collect())
}

/// What that file is, if its name is one that only we give, and it is still there.
fn leftover(root: &Path, path: &Path) -> Result<Option<Leftover>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (file, job) = match parse_temporary(name) {
        Some((file, PUT)) => (file, None),
        Some((file, job)) if is_job_id(job) => (file, Some(job.to_owned())),
        _ => return Ok(None),
    };
    let Some(stat) = files::stat(path)? else { return Ok(None) };
    let target = path.with_file_name(file);
    Ok(Some(Leftover {
        job,
        path: target.strip_prefix(root).unwrap_or(&target).display().to_string(),
        is_staged: true,
        bytes: Some(stat.bytes),
        changed: stat.changed,
        token: token(&Token { temporary: name.to_owned() })?,
    }))
}
