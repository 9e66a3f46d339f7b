//! Parquet scans whose partitions have about as many rows as one another.
//!
//! DataFusion cuts files where their bytes are, and a row group belongs to the range that its first page starts in. Of
//! six row groups of a file, whose fourth starts a little before the middle, two partitions read four and two:
//!
//! ```text
//! DataSourceExec: {[x:0..79244792], [x:79244792..158489584]}      4 and 2 row groups
//! DataSourceExec: {[x:0..79138340], [x:79138340..158489584]}   ─▶ 3 and 3
//! ```
//!
//! Row groups are known from the footers that planning has read; where they are not in the cache any more, the scan
//! stays as it is.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::metadata::CachedParquetMetaData;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// DataFusion's rule that cuts files into ranges, which this one comes after.
pub(super) const AFTER: &str = "EnsureRequirements";

/// See the module.
#[derive(Debug)]
pub(super) struct BalanceScans {
    footers: Arc<FileMetadataCache>,
}

impl BalanceScans {
    /// The rule for plans that run in `runtime`.
    pub(super) fn new(runtime: &RuntimeEnv) -> Self {
        Self { footers: runtime.cache_manager.get_file_metadata_cache() }
    }
}

impl PhysicalOptimizerRule for BalanceScans {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match self.balanced(node.as_ref()) {
            Some(scan) => Ok(Transformed::yes(DataSourceExec::from_data_source(scan) as _)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "balance_scans"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl BalanceScans {
    /// The scan with other ranges of the same files; `None` for what is no such scan, or is to stay.
    fn balanced(&self, node: &dyn ExecutionPlan) -> Option<FileScanConfig> {
        let scan = node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
        scan.file_source.downcast_ref::<ParquetSource>()?;
        let is_ordered = scan.preserve_order || !scan.output_ordering.is_empty();
        if is_ordered || scan.output_partitioning.is_some() || scan.file_groups.len() < 2 {
            return None;
        }
        let row_groups = self.row_groups(&whole_files(&scan.file_groups)?)?;
        let rows: Vec<u64> = row_groups.iter().map(|group| group.rows).collect();
        let ends = cut(&rows, scan.file_groups.len())?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let groups = starts.zip(&ends).map(|(start, end)| FileGroup::new(ranges(&row_groups[start..*end])));
        Some(FileScanConfigBuilder::from(scan.clone()).with_file_groups(groups.collect()).build())
    }

    /// The row groups of all `files`, in order; `None` when a footer is not known.
    fn row_groups(&self, files: &[PartitionedFile]) -> Option<Vec<RowGroup>> {
        let mut row_groups = Vec::new();
        for file in files {
            let footer = self.footers.get(&file.object_meta.location)?;
            let footer = footer.is_valid_for(&file.object_meta).then_some(footer.file_metadata)?;
            let footer = footer.as_any().downcast_ref::<CachedParquetMetaData>()?;
            let mut start = 0;
            let groups = footer.parquet_metadata().row_groups();
            for (group, next) in groups.iter().zip(groups.iter().skip(1).map(Some).chain([None])) {
                let end = match next {
                    Some(next) => {
                        let column = next.columns().first()?;
                        column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset())
                    }
                    None => i64::try_from(file.object_meta.size).ok()?,
                };
                // Row groups may lie in any order; then a range of bytes is not a range of row groups.
                if end <= start {
                    return None;
                }
                let rows = u64::try_from(group.num_rows()).ok()?;
                row_groups.push(RowGroup { file: file.clone(), range: FileRange { start, end }, rows });
                start = end;
            }
        }
        Some(row_groups)
    }
}

/// A row group: the bytes from its first page to that of the next one.
#[derive(Debug)]
struct RowGroup {
    file: PartitionedFile,
    range: FileRange,
    rows: u64,
}

/// The files that the groups are cut from, in order; `None` unless some are cut and their pieces are the whole files.
fn whole_files(groups: &[FileGroup]) -> Option<Vec<PartitionedFile>> {
    let mut files: Vec<PartitionedFile> = Vec::new();
    let (mut is_cut, mut read_to) = (false, 0);
    for piece in groups.iter().flat_map(FileGroup::iter) {
        let size = i64::try_from(piece.object_meta.size).ok()?;
        let (start, end) = piece.range.as_ref().map_or((0, size), |range| (range.start, range.end));
        is_cut |= piece.range.is_some();
        match files.last() {
            Some(file) if file.object_meta.location == piece.object_meta.location && start == read_to => {}
            last => {
                let is_whole = last.is_none_or(|last| i64::try_from(last.object_meta.size) == Ok(read_to));
                if !is_whole || start != 0 {
                    return None;
                }
                files.push(PartitionedFile { range: None, ..piece.clone() });
            }
        }
        read_to = end;
    }
    let is_whole = files.last().is_some_and(|last| i64::try_from(last.object_meta.size) == Ok(read_to));
    (is_cut && is_whole).then_some(files)
}

/// The ranges of files that hold those consecutive row groups.
fn ranges(row_groups: &[RowGroup]) -> Vec<PartitionedFile> {
    let mut pieces: Vec<PartitionedFile> = Vec::new();
    for group in row_groups {
        // A file may be listed twice, one after the other.
        let before =
            pieces.last_mut().filter(|last| last.object_meta.location == group.file.object_meta.location);
        match before.and_then(|last| last.range.as_mut()).filter(|range| range.end == group.range.start) {
            Some(range) => range.end = group.range.end,
            None => {
                pieces.push(PartitionedFile { range: Some(group.range.clone()), ..group.file.clone() });
            }
        }
    }
    pieces
}

/// Where to cut `weights` into `parts` runs, none empty, so that the heaviest is as light as it can be: the end of each
/// run. `None` when there are fewer weights than parts.
fn cut(weights: &[u64], parts: usize) -> Option<Vec<usize>> {
    if parts == 0 || weights.len() < parts {
        return None;
    }
    let (mut low, mut high) = (weights.iter().copied().max()?, weights.iter().sum());
    while low < high {
        let middle = low + (high - low) / 2;
        if fill(weights, middle, parts).is_some() { high = middle } else { low = middle + 1 }
    }
    fill(weights, high, parts)
}

/// The ends of `parts` runs of at most `limit`, none empty; `None` when they are not enough.
fn fill(weights: &[u64], limit: u64, parts: usize) -> Option<Vec<usize>> {
    let mut ends = Vec::with_capacity(parts);
    let mut sum = 0_u64;
    for (index, weight) in weights.iter().enumerate() {
        // The last runs get one each when there are no more than that.
        let must_end = index > 0 && weights.len() - index <= parts.saturating_sub(ends.len() + 1);
        if index > 0 && (must_end || sum + weight > limit) {
            ends.push(index);
            sum = 0;
        }
        sum += weight;
    }
    ends.push(weights.len());
    (ends.len() == parts).then_some(ends)
}

#[cfg(test)]
mod tests;
