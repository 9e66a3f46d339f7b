//! Whether a plan is worth a cluster.

use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use std::any::Any;
use std::sync::Arc;

/// Where a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In the scheduler's process, at once.
    Here,
    /// On the executors.
    Executors,
}

/// A table in memory travels inside the plan, once with every task: larger ones stay here.
const MAX_SHIPPED_BYTES: usize = 16 << 20;

/// Executors get plans that read files, and nothing that only this process has.
///
/// Ballista gives each task its part of a scan of files or memory. It does not divide other sources: every task would
/// read all of them, and the rows would be there several times. `EXPLAIN ANALYZE` reads all of its input in one place
/// for the same reason.
pub(crate) fn place(plan: &Arc<dyn ExecutionPlan>) -> Placement {
    let mut sources = Sources::default();
    sources.add(plan);
    if sources.files && !sources.bound && sources.memory_bytes <= MAX_SHIPPED_BYTES {
        Placement::Executors
    } else {
        Placement::Here
    }
}

#[derive(Default)]
struct Sources {
    files: bool,
    memory_bytes: usize,
    /// Something that cannot leave this process, or cannot be divided.
    bound: bool,
}

impl Sources {
    fn add(&mut self, plan: &Arc<dyn ExecutionPlan>) {
        let children = plan.children();
        if children.is_empty() {
            self.add_leaf(plan);
        }
        self.bound |= plan.is::<AnalyzeExec>();
        for child in children {
            self.add(child);
        }
    }

    fn add_leaf(&mut self, leaf: &Arc<dyn ExecutionPlan>) {
        if leaf.is::<EmptyExec>() || leaf.is::<PlaceholderRowExec>() {
            return;
        }
        let Some(scan) = leaf.downcast_ref::<DataSourceExec>() else {
            self.bound = true;
            return;
        };
        let source: &dyn Any = scan.data_source().as_ref();
        if let Some(files) = source.downcast_ref::<FileScanConfig>() {
            self.files = true;
            self.bound |= !crosses_processes(files);
        } else if let Some(memory) = source.downcast_ref::<MemorySourceConfig>() {
            let batches = memory.partitions().iter().flatten();
            self.memory_bytes += batches.map(|batch| batch.get_array_memory_size()).sum::<usize>();
        } else {
            self.bound = true;
        }
    }
}

/// DataFusion's encoding of plans forgets that text files are compressed, and its decoder refuses Avro unless it was
/// built for it, which Ballista's is not: such files are read here.
fn crosses_processes(files: &FileScanConfig) -> bool {
    files.file_compression_type == FileCompressionType::UNCOMPRESSED
        && files.file_source().file_type() != "avro"
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::datasource::listing::PartitionedFile;
    use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
    use datafusion::execution::object_store::ObjectStoreUrl;
    use datafusion::physical_plan::union::UnionExec;
    use datafusion::physical_plan::work_table::WorkTableExec;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]))
    }

    fn files() -> Arc<dyn ExecutionPlan> {
        let source = Arc::new(ParquetSource::new(schema()));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file(PartitionedFile::new("a.parquet", 100))
            .build();
        DataSourceExec::from_data_source(config)
    }

    fn memory(rows: usize) -> Arc<dyn ExecutionPlan> {
        let column = Arc::new(Int64Array::from(vec![1; rows]));
        let batch = RecordBatch::try_new(schema(), vec![column]).unwrap();
        MemorySourceConfig::try_new_exec(&[vec![batch]], schema(), None).unwrap()
    }

    fn union(inputs: Vec<Arc<dyn ExecutionPlan>>) -> Arc<dyn ExecutionPlan> {
        UnionExec::try_new(inputs).unwrap()
    }

    #[test]
    fn only_plans_that_read_files_and_can_be_divided_go_to_executors() {
        let empty = || Arc::new(EmptyExec::new(schema())) as Arc<dyn ExecutionPlan>;
        let row = || Arc::new(PlaceholderRowExec::new(schema())) as Arc<dyn ExecutionPlan>;
        let other = || {
            Arc::new(WorkTableExec::new("t".to_owned(), schema(), None).unwrap()) as Arc<dyn ExecutionPlan>
        };
        let cases = [
            ("files", files(), Placement::Executors),
            ("one row", row(), Placement::Here),
            ("memory", memory(10), Placement::Here),
            ("another source", other(), Placement::Here),
            ("files and a row", union(vec![files(), row()]), Placement::Executors),
            ("files and nothing", union(vec![files(), empty()]), Placement::Executors),
            ("files and little memory", union(vec![files(), memory(10)]), Placement::Executors),
            ("files and much memory", union(vec![files(), memory(4 << 20)]), Placement::Here),
            ("files and another source", union(vec![files(), other()]), Placement::Here),
        ];
        for (name, plan, expected) in cases {
            assert_eq!(place(&plan), expected, "{name}");
        }
    }
}
