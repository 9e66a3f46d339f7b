//! Which files there will be, which chunks each is made of, and room for them.

use super::{Request, Table};
use futures::{StreamExt, TryStreamExt};
use gristmill_engine::storage::{self, Location};
use gristmill_engine::{Code, Error, Result};
use object_store::ObjectStoreExt;
use object_store::path::Path;

/// A chunk is a Parquet row group; DataFusion's own files have row groups of a million rows.
const CHUNK_ROWS: u64 = 1_000_000;

/// The files of one table.
#[derive(Debug)]
pub(super) struct TableLayout {
    pub(super) table: Table,
    /// The file, or the folder of the files.
    pub(super) location: Location,
    /// The files, in the order of the rows.
    pub(super) files: Vec<Location>,
    pub(super) chunks_per_file: u32,
}

/// One piece of work: the rows of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) table: Table,
    /// From 1, as the generator counts.
    pub(super) part: i32,
    pub(super) parts: i32,
    /// It starts a file.
    pub(super) is_first: bool,
    /// It ends a file.
    pub(super) is_last: bool,
}

impl TableLayout {
    /// How many chunks the table has.
    pub(super) fn chunks(&self) -> u64 {
        self.files.len() as u64 * u64::from(self.chunks_per_file)
    }

    /// Whether its files lie in a folder of their own.
    fn is_folder(&self) -> bool {
        self.files.first() != Some(&self.location)
    }

    /// The chunks of all files, in the order of the rows.
    pub(super) fn plan(&self) -> impl Iterator<Item = Chunk> + use<> {
        let (table, per_file) = (self.table, self.chunks_per_file);
        // Both were made from numbers that fit.
        let parts = i32::try_from(self.chunks()).unwrap_or(i32::MAX);
        (0..parts).map(move |index| {
            let place = index.unsigned_abs() % per_file;
            Chunk { table, part: index + 1, parts, is_first: place == 0, is_last: place + 1 == per_file }
        })
    }
}

/// The layout of every table of `request`.
pub(super) fn tables(request: &Request) -> Result<Vec<TableLayout>> {
    request.tables.iter().map(|table| table_layout(request, *table)).collect()
}

fn table_layout(request: &Request, table: Table) -> Result<TableLayout> {
    let (name, extension) = (table.name(), request.format.extension());
    let units = table.units(request.scale).max(1);
    let partitions = request.partitions.max(1);
    let file_count = if table.is_divisible() { units.min(u64::from(partitions)) } else { 1 };
    let chunks_per_file = if table.is_divisible() {
        // No chunk may be empty, and all parts of a table together are an `i32`.
        let most = (units / file_count).min(i32::MAX as u64 / file_count).max(1);
        (units * table.rows_per_unit()).div_ceil(CHUNK_ROWS * file_count).clamp(1, most)
    } else {
        1
    };
    let chunks_per_file = u32::try_from(chunks_per_file).unwrap_or(u32::MAX);
    if partitions == 1 {
        let location = request.location.join(&format!("{name}.{extension}"))?;
        return Ok(TableLayout { table, files: vec![location.clone()], location, chunks_per_file });
    }
    let location = request.location.join(name)?;
    let files = (0..file_count)
        .map(|index| location.join(&format!("part-{index:05}-of-{file_count:05}.{extension}")))
        .collect::<Result<_>>()?;
    Ok(TableLayout { table, location, files, chunks_per_file })
}

/// Makes sure that nothing is in the way: no file of that name, nothing in the folder of a table.
///
/// # Errors
/// `LocationNotEmpty` when something is there and may not be replaced; what the object store says.
pub(super) async fn make_room(request: &Request, tables: &[TableLayout]) -> Result<()> {
    for layout in tables {
        let found = existing(request, layout).await?;
        if let Some(path) = found.first()
            && !request.overwrite
        {
            let message = if layout.is_folder() {
                format!("{} already holds files, such as \"{path}\"", layout.location)
            } else {
                format!("{} already exists", layout.location)
            };
            return Err(Error::new(Code::LocationNotEmpty, message)
                .with_hint("choose another folder, or add --overwrite"));
        }
        if layout.is_folder() {
            for path in &found {
                request.store.delete(path).await.map_err(|error| storage::error(path, error))?;
            }
        }
    }
    Ok(())
}

/// What is where `layout` will be.
async fn existing(request: &Request, layout: &TableLayout) -> Result<Vec<Path>> {
    let path = layout.location.object_path();
    if layout.is_folder() {
        let listed = request.store.list(Some(path)).map_ok(|object| object.location).boxed();
        return listed.try_collect().await.map_err(|error| storage::error(&layout.location, error));
    }
    match request.store.head(path).await {
        Ok(_) => Ok(vec![path.clone()]),
        Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(storage::error(&layout.location, error)),
    }
}
