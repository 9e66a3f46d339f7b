//! TPC-H data: generated on all cores, written in order, published file by file.
//!
//! A table is generated in chunks of about a million rows (a Parquet row group). Chunks are encoded in parallel and
//! come back in order, so memory is bounded by the number of cores and the rows do not depend on it.

use gristmill_engine::backend::{JobProgress, ProgressSource};
use gristmill_engine::storage::Location;
use gristmill_engine::{Code, Error, Result};
use object_store::ObjectStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

mod encode;
mod file;
mod layout;
mod pipeline;
mod table;
#[cfg(test)]
mod tests;

pub use table::Table;

/// The format of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet, zstd, row groups of about a million rows.
    Parquet,
    /// Comma-separated values with a header line.
    Csv,
}

impl FileFormat {
    /// The end of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

/// What to generate and where to put it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The scale factor; 1 is about 1 GB as text.
    pub scale: f64,
    /// Which tables, each at most once.
    pub tables: Vec<Table>,
    /// The files' format.
    pub format: FileFormat,
    /// Files per table; with more than one a table is a folder. A table never has more files than rows.
    pub partitions: u32,
    /// Whether files that are there are replaced.
    pub overwrite: bool,
    /// The folder the files go to.
    pub location: Location,
    /// The store that folder is in.
    pub store: Arc<dyn ObjectStore>,
}

/// One table that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFiles {
    /// Which one.
    pub table: Table,
    /// Its file, or the folder of its files.
    pub location: Location,
    /// How many files.
    pub files: u64,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// How far a generation is; tasks are chunks.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    bytes: AtomicU64,
    chunks_done: AtomicU64,
    chunks_total: AtomicU64,
}

impl ProgressSource for Progress {
    fn progress(&self) -> JobProgress {
        JobProgress {
            scanned_rows: self.rows.load(Ordering::Relaxed),
            scanned_bytes: self.bytes.load(Ordering::Relaxed),
            input_rows: 0,
            tasks_done: self.chunks_done.load(Ordering::Relaxed),
            tasks_total: self.chunks_total.load(Ordering::Relaxed),
        }
    }
}

/// Generates and writes the tables of `request`.
///
/// A file appears under its name when it is whole, and not before. Cancelling ends the generation with the next chunk
/// and removes the file that was being written; files before it stay.
///
/// # Limits
/// Memory: about 150 MB for each core, plus 300 MB for the text that comments are cut from.
///
/// # Errors
/// `LocationNotEmpty` when a file is there and may not be replaced; `Cancelled`; what the object store says.
pub async fn generate(
    request: &Request,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Vec<TableFiles>> {
    let tables = layout::tables(request)?;
    layout::make_room(request, &tables).await?;
    let chunks = tables.iter().map(layout::TableLayout::chunks).sum();
    progress.chunks_total.store(chunks, Ordering::Relaxed);
    pipeline::write_tables(request, tables, progress, cancel).await
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "generating TPC-H data was cancelled")
}
