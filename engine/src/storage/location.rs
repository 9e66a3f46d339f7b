//! The name of a place: a local path or an S3 prefix, parsed once.

use crate::error::{Code, Error, Result};
use object_store::path::Path as ObjectPath;
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// A place on this machine or in an S3 bucket; a file, or a folder and what is below it.
///
/// `Display` gives the text that parses to the same location again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// `file:///` or `s3://bucket/`.
    store: Url,
    path: ObjectPath,
}

impl Location {
    /// The location of that text: `s3://bucket/prefix` (or `s3a://`), `file:///path`, or an absolute or relative path.
    ///
    /// A relative path starts in the working directory; `.` and `..` are resolved by their text alone, and a slash
    /// at the end makes no difference. S3 keys and paths are taken literally; only a `file://` URL is
    /// percent-decoded.
    ///
    /// # Errors
    /// `Unsupported`: another scheme. `BadOption`: no bucket, an empty folder name, `..` in an S3 key, a control
    /// character.
    pub fn parse(text: &str) -> Result<Self> {
        match split_scheme(text) {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "s3" | "s3a" => parse_s3(text, rest),
                "file" => parse_file_url(text, rest),
                _ => Err(Error::new(
                    Code::Unsupported,
                    format!("cannot use the location {text:?}: no store for {scheme:?}"),
                )
                .with_hint("use s3://bucket/prefix, file:///path or a path")),
            },
            None => parse_path(text),
        }
    }

    /// The place `relative` below this one; `""` is this one.
    ///
    /// # Errors
    /// `BadOption`: it would not be below this one, or is not a path.
    pub fn join(&self, relative: &str) -> Result<Self> {
        if relative.is_empty() {
            return Ok(self.clone());
        }
        let below = match ObjectPath::parse(relative) {
            Ok(path) if !relative.starts_with('/') => path,
            _ => return Err(bad(relative, &format!("it is not a path below {self}"))),
        };
        let path = self.path.parts().chain(below.parts()).collect();
        Ok(self.sibling(path))
    }

    /// The path within its store: the key in the bucket, or the local path without the slash before it.
    #[must_use]
    pub fn object_path(&self) -> &ObjectPath {
        &self.path
    }

    /// The store it is in: `s3://bucket/` or `file:///`.
    #[must_use]
    pub fn store_url(&self) -> &Url {
        &self.store
    }

    /// The whole location as a URL, percent-encoded, so that decoding its path gives [`Location::object_path`].
    #[must_use]
    pub fn url(&self) -> Url {
        let mut url = self.store.clone();
        // Fails only for URLs without a root, as `mailto:`.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(self.path.parts().map(|part| part.as_ref().to_owned()));
        }
        url
    }

    /// Whether it is on this machine's file system.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.store.scheme() == "file"
    }

    /// The path on this machine's file system, if it is there.
    #[must_use]
    pub fn local_path(&self) -> Option<PathBuf> {
        self.is_local().then(|| PathBuf::from(format!("/{}", self.path)))
    }

    /// The bucket, if it is in one.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        if self.is_local() { None } else { self.store.host_str() }
    }

    /// The place of `path` in the same store.
    pub(super) fn sibling(&self, path: ObjectPath) -> Self {
        Self { store: self.store.clone(), path }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_local() { write!(f, "/{}", self.path) } else { write!(f, "{}{}", self.store, self.path) }
    }
}

/// `scheme://rest`, where a scheme is what RFC 3986 says.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let mut chars = scheme.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    (starts && chars.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))).then_some((scheme, rest))
}

fn parse_s3(text: &str, rest: &str) -> Result<Location> {
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bucket.is_empty() || !bucket.chars().all(allowed) {
        return Err(bad(text, "it names no bucket").with_hint("write s3://bucket/prefix"));
    }
    let path = ObjectPath::parse(key).map_err(|error| bad(text, &error.to_string()))?;
    Ok(Location { store: store(&format!("s3://{bucket}/"))?, path })
}

fn parse_file_url(text: &str, rest: &str) -> Result<Location> {
    // Both end the path of a URL, but may well be part of a file's name.
    let escaped = rest.replace('?', "%3F").replace('#', "%23");
    let path = Url::parse(&format!("file://{escaped}")).ok().and_then(|url| url.to_file_path().ok());
    match path.as_ref().and_then(|path| path.to_str()) {
        Some(path) => parse_path(path),
        None => Err(bad(text, "it is not the URL of a local file").with_hint("write file:///path")),
    }
}

fn parse_path(text: &str) -> Result<Location> {
    if text.is_empty() {
        return Err(bad(text, "it is empty"));
    }
    let mut names: Vec<&str> = Vec::new();
    let base;
    if !text.starts_with('/') {
        base = std::env::current_dir().map_err(|error| {
            Error::from_io(error, format!("cannot resolve {text:?}: the working directory"))
        })?;
        let base = base.to_str().ok_or_else(|| bad(text, "the working directory is not UTF-8 text"))?;
        names.extend(base.split('/'));
    }
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.retain(|name| !name.is_empty());
    let path = ObjectPath::parse(names.join("/")).map_err(|error| bad(text, &error.to_string()))?;
    Ok(Location { store: store("file:///")?, path })
}

fn store(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| bad(url, &error.to_string()))
}

fn bad(text: &str, why: &str) -> Error {
    Error::new(Code::BadOption, format!("cannot use the location {text:?}: {why}"))
}
