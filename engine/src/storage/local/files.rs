//! Blocking work on files and folders; every error names its path.

use super::super::{Attempt, FileStat};
use super::PUT;
use crate::error::{Code, Error, Result};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The error of an operation on `path`.
pub(super) fn error(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => in_the_way(error, path),
        _ => Error::from_io(error, path.display()),
    }
}

/// The error of opening `path` for reading: below a file there is none.
pub(super) fn not_read(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::NotADirectory => Error::from_io(ErrorKind::NotFound.into(), path.display()),
        _ => self::error(error, path),
    }
}

/// The error of creating `path`, where something may be there already.
pub(super) fn in_the_way(error: io::Error, path: &Path) -> Error {
    let message = match error.kind() {
        ErrorKind::AlreadyExists => format!("{} already exists", path.display()),
        ErrorKind::NotADirectory => format!("a file is where {} needs a folder", path.display()),
        ErrorKind::IsADirectory => format!("a folder is where {} is to be", path.display()),
        _ => return Error::from_io(error, path.display()),
    };
    Error::new(Code::LocationNotEmpty, message).with_source(error)
}

/// A temporary file that is removed when this is dropped, unless it is kept. Its writer has ended only then.
#[derive(Debug)]
pub(super) struct Temporary {
    path: Option<PathBuf>,
    _writer: Attempt,
}

impl Temporary {
    /// Leaves the file where it is.
    pub(super) fn keep(mut self) {
        self.path = None;
    }

    /// Removes the file now, to know whether that worked.
    pub(super) fn remove(mut self) -> Result<()> {
        self.path.take().map_or(Ok(()), |path| remove(&path).map(drop))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = remove(&path)
        {
            tracing::warn!(%error, "could not remove a temporary file");
        }
    }
}

/// Makes the file `path` and the folders above it; it must not be there.
pub(super) fn create(path: PathBuf, writer: Attempt, sync: bool) -> Result<(File, Temporary)> {
    create_folder_of(&path, sync)?;
    let file = File::create_new(&path).map_err(|error| in_the_way(error, &path))?;
    Ok((file, Temporary { path: Some(path), _writer: writer }))
}

/// Makes the folder of `path` and those above it. With `sync` those that were missing survive a crash of the machine:
/// a file that is safe in a folder is lost with the folder.
fn create_folder_of(path: &Path, sync: bool) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let missing = if sync { missing_folders(folder) } else { Vec::new() };
    fs::create_dir_all(folder).map_err(|error| in_the_way(error, folder))?;
    missing.into_iter().try_for_each(sync_folder_of)
}

/// `folder` and those above it, as far as they are not there, the deepest first.
fn missing_folders(folder: &Path) -> Vec<&Path> {
    folder.ancestors().take_while(|folder| !folder.exists()).collect()
}

/// Writes `bytes` under a name of its own in the folder of `target`.
pub(super) fn write_beside(target: &Path, bytes: &[u8], sync: bool) -> Result<NamedTempFile> {
    create_folder_of(target, sync)?;
    let mut builder = tempfile::Builder::new();
    let name = target.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let prefix = format!(".{name}.{PUT}.");
    builder.prefix(&prefix).suffix(".tmp");
    // As any other new file; the library makes its files private.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = target.parent().unwrap_or(target);
    let mut file = builder.tempfile_in(folder).map_err(|error| self::error(error, folder))?;
    file.write_all(bytes)
        .and_then(|()| if sync { file.as_file().sync_all() } else { Ok(()) })
        .map_err(|error| self::error(error, target))?;
    Ok(file)
}

/// Renames `temporary` to `target`; fine when that has been done, told by the size.
pub(super) fn publish(temporary: &Path, target: &Path, bytes: u64) -> Result<()> {
    let staged = size(temporary)?;
    match (staged, size(target)?) {
        (Some(_), Some(_)) => Err(in_the_way(ErrorKind::AlreadyExists.into(), target)),
        (Some(staged), None) if staged == bytes => {
            fs::rename(temporary, target).map_err(|error| self::error(error, target))
        }
        (None, Some(published)) if published == bytes => Ok(()),
        _ => Err(Error::new(
            Code::StorageUnavailable,
            format!("could not publish {}: what was written for it is gone or cut short", target.display()),
        )),
    }
}

/// Flushes `folders` and those above them up to `root`, each once, so that the names in them survive a crash.
pub(super) fn sync_folders(folders: &[PathBuf], root: &Path) -> Result<()> {
    folders_up_to(root, folders).into_iter().try_for_each(sync_folder)
}

fn folders_up_to<'a>(root: &Path, folders: &'a [PathBuf]) -> BTreeSet<&'a Path> {
    let up = |folder: &'a PathBuf| folder.ancestors().take_while(|folder| folder.starts_with(root));
    folders.iter().flat_map(up).collect()
}

/// Flushes the folder that `path` is in.
pub(super) fn sync_folder_of(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// One may write into a folder that one may not read, and then not flush it either; no reason to write nothing.
fn sync_folder(folder: &Path) -> Result<()> {
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        Err(error) if is_missing(&error) || error.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced.map_err(|error| self::error(error, folder)),
    }
}

/// Up to `limit` bytes; none at the end of the file.
pub(super) fn read_chunk(file: &mut File, limit: usize) -> io::Result<Bytes> {
    let mut chunk = Vec::with_capacity(limit);
    Read::by_ref(file).take(limit as u64).read_to_end(&mut chunk)?;
    Ok(Bytes::from(chunk))
}

/// Size and age of a file, or `None` where there is no file.
pub(super) fn stat(path: &Path) -> Result<Option<FileStat>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(self::error(error, path)),
    };
    let changed = metadata.modified().map_err(|error| self::error(error, path))?;
    Ok(Some(FileStat { bytes: metadata.len(), changed }))
}

fn size(path: &Path) -> Result<Option<u64>> {
    Ok(stat(path)?.map(|stat| stat.bytes))
}

/// Removes a file; gives whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(self::error(error, path)),
    }
}

/// The first file at or below `root`, in the order of their paths in each folder.
pub(super) fn first(root: &Path) -> Result<Option<PathBuf>> {
    match fs::metadata(root) {
        Ok(metadata) if !metadata.is_dir() => return Ok(Some(root.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(self::error(error, root)),
    }
    for (path, is_folder) in entries(root)? {
        let found = if is_folder { first(&path)? } else { Some(path) };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The files at any depth below `folder`, relative to `root`, in order.
pub(super) fn below(folder: &Path, root: &Path) -> Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for (path, is_folder) in entries(&folder)? {
            if is_folder {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes the files of `folders`, and not of those below, with a name that `matches`; gives how many there were.
pub(super) fn remove_files(folders: &[PathBuf], matches: impl Fn(&str) -> bool) -> Result<usize> {
    let is_match = |path: &Path| path.file_name().and_then(OsStr::to_str).is_some_and(&matches);
    let (mut removed, mut failure) = (0, None);
    let mut count = |result: Result<bool>| match result {
        Ok(was_there) => removed += usize::from(was_there),
        Err(error) => failure = failure.take().or(Some(error)),
    };
    for folder in folders {
        match entries(folder) {
            Ok(entries) => {
                let files = entries.iter().filter(|(path, is_folder)| !is_folder && is_match(path));
                files.for_each(|(path, _)| count(remove(path)));
            }
            Err(error) => count(Err(error)),
        }
    }
    failure.map_or(Ok(removed), Err)
}

/// Removes `folder` if no file is below it, and else those folders below it that hold none.
pub(super) fn remove_empty_folders(folder: &Path) -> Result<()> {
    for (path, is_folder) in entries(folder)? {
        if is_folder {
            remove_empty_folders(&path)?;
        }
    }
    match fs::remove_dir(folder) {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) || error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(error) => Err(self::error(error, folder)),
    }
}

/// The entries of `folder` in order of name, each with whether it is a folder; a link is not. None, if it is gone
/// or not a folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let at_folder = |error| self::error(error, folder);
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(at_folder(error)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(at_folder)?;
        let kind = entry.file_type().map_err(at_folder)?;
        entries.push((entry.path(), kind.is_dir()));
    }
    entries.sort();
    Ok(entries)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_flushed_once_and_none_above_the_location() {
        let folders = ["/a/b/train", "/a/b/test", "/a/b/train/x"].map(PathBuf::from);
        let found = folders_up_to(Path::new("/a/b"), &folders);
        let expected = ["/a/b", "/a/b/test", "/a/b/train", "/a/b/train/x"];
        assert_eq!(Vec::from_iter(found), expected.map(Path::new));
    }

    #[test]
    fn folders_that_are_to_be_made_are_told() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (root.path().join("1"), root.path().join("1/2"));
        assert_eq!(missing_folders(&two), [two.as_path(), &one]);
        create_folder_of(&two.join("x"), true).unwrap();
        assert_eq!(missing_folders(&two), Vec::<&Path>::new());
    }
}
