//! What comes with a shard of images: `.idx` says where each record is, `.lst` what it is.

use super::super::Companion;
use crate::error::{Code, Error, Result};
use std::io::Write;

/// `key \t offset of its frame`.
pub(super) const INDEX: &str = "idx";
/// `index \t label … \t path`, as `im2rec` writes and SageMaker reads it.
pub(super) const LIST: &str = "lst";

/// The lines of both.
#[derive(Debug, Default)]
pub(super) struct Listing {
    index: Vec<u8>,
    list: Vec<u8>,
}

impl Listing {
    /// Lists a record. One without a path has its id in the place.
    ///
    /// **Errors** [`Code::BadRow`] for a path with a tab or a line end.
    pub(super) fn push(&mut self, id: u64, offset: u64, labels: &[f32], path: Option<&[u8]>) -> Result<()> {
        let path = path.unwrap_or_default();
        if path.iter().any(|byte| b"\t\n\r".contains(byte)) {
            let message = format!("path \"{}\" has a tab or a line end", path.escape_ascii());
            return Err(Error::new(Code::BadRow, message).with_hint("a list of images has one line a path"));
        }
        writeln!(self.index, "{id}\t{offset}").map_err(cannot_list)?;
        write!(self.list, "{id}").map_err(cannot_list)?;
        for label in labels {
            write!(self.list, "\t{label}").map_err(cannot_list)?;
        }
        self.list.push(b'\t');
        if path.is_empty() {
            write!(self.list, "{id}").map_err(cannot_list)?;
        }
        self.list.extend_from_slice(path);
        self.list.push(b'\n');
        Ok(())
    }

    pub(super) fn companions(self) -> Vec<Companion> {
        vec![
            Companion { extension: INDEX, bytes: self.index },
            Companion { extension: LIST, bytes: self.list },
        ]
    }
}

fn cannot_list(error: std::io::Error) -> Error {
    Error::new(Code::Internal, "an image cannot be listed").with_source(error)
}
