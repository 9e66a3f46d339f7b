use super::{cut, ranges, whole_files};
use crate::config::Config;
use crate::session::Engine;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use std::sync::Arc;

fn group(pieces: &[(&str, i64, i64)]) -> FileGroup {
    let piece =
        |(name, start, end): &(&str, i64, i64)| PartitionedFile::new(*name, 100).with_range(*start, *end);
    FileGroup::new(pieces.iter().map(piece).collect())
}

#[test]
fn the_heaviest_run_is_as_light_as_it_can_be() {
    let check = |weights: &[u64], parts, expected: Option<&[usize]>| {
        assert_eq!(cut(weights, parts).as_deref(), expected, "{weights:?} in {parts}");
    };
    check(&[10, 10, 10, 10, 10, 10], 2, Some(&[3, 6]));
    check(&[10, 10, 10, 10, 10, 10], 4, Some(&[2, 4, 5, 6]));
    check(&[1, 1, 1, 100], 2, Some(&[3, 4]));
    check(&[100, 1, 1, 1], 3, Some(&[1, 3, 4]));
    check(&[5, 5], 3, None);
    check(&[], 1, None);
}

proptest! {
    #[test]
    fn every_weight_is_in_one_run_and_no_run_is_empty(
        weights in prop::collection::vec(0_u64..1000, 1..40),
        parts in 1_usize..8,
    ) {
        let Some(ends) = cut(&weights, parts) else {
            prop_assert!(weights.len() < parts);
            return Ok(());
        };
        prop_assert_eq!(ends.len(), parts);
        prop_assert_eq!(ends.last(), Some(&weights.len()));
        prop_assert!(ends[0] > 0 && ends.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", ends);
    }
}

#[test]
fn pieces_that_are_whole_files_are_found_and_others_are_not() {
    let names = |groups: &[FileGroup]| {
        let files = whole_files(groups)?;
        Some(files.iter().map(|file| file.object_meta.location.to_string()).collect::<Vec<_>>())
    };
    let cut = [group(&[("a", 0, 100), ("b", 0, 20)]), group(&[("b", 20, 100)])];
    assert_eq!(names(&cut), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(names(&[group(&[("a", 0, 50)]), group(&[("a", 60, 100)])]), None, "a gap");
    assert_eq!(names(&[group(&[("a", 0, 50)]), group(&[("b", 0, 100)])]), None, "no end");
    assert_eq!(names(&[group(&[("a", 20, 100)])]), None, "no start");
    let uncut = FileGroup::new(vec![PartitionedFile::new("a", 100)]);
    assert_eq!(names(&[uncut.clone(), uncut]), None, "not cut");
}

#[test]
fn consecutive_row_groups_of_a_file_are_one_range_and_a_file_read_twice_is_two() {
    let file = |name: &str| PartitionedFile::new(name, 100);
    let row_group = |name, start, end| super::RowGroup {
        file: file(name),
        range: super::FileRange { start, end },
        rows: 1,
    };
    let pieces = ranges(&[
        row_group("a", 40, 70),
        row_group("a", 70, 100),
        row_group("b", 0, 50),
        row_group("b", 0, 50),
    ]);
    let found: Vec<_> = pieces
        .iter()
        .map(|piece| {
            (piece.object_meta.location.as_ref(), piece.range.as_ref().map(|range| (range.start, range.end)))
        })
        .collect();
    assert_eq!(found, [("a", Some((40, 100))), ("b", Some((0, 50))), ("b", Some((0, 50)))]);
}

/// Four row groups of 100 rows; the first takes nearly all of the file's bytes.
fn write_uneven_file(path: &std::path::Path) {
    let texts = |group: usize| {
        let length = if group == 0 { 2_000 } else { 1 };
        (0..100).map(move |row| format!("{:0>length$}", row * 7919 % 100))
    };
    let array: ArrayRef = Arc::new(StringArray::from((0..4).flat_map(texts).collect::<Vec<_>>()));
    let batch = RecordBatch::try_from_iter([("text", array)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The ranges of the scan in `plan`, a list for each partition.
fn scan_ranges(plan: &Arc<dyn ExecutionPlan>) -> Vec<Vec<(i64, i64)>> {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        let files = scan.data_source().downcast_ref::<FileScanConfig>().unwrap();
        let range = |file: &PartitionedFile| file.range.as_ref().map(|range| (range.start, range.end));
        return files.file_groups.iter().map(|group| group.iter().filter_map(range).collect()).collect();
    }
    plan.children().into_iter().flat_map(scan_ranges).collect()
}

#[tokio::test]
async fn partitions_get_as_many_rows_as_one_another_and_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("uneven.parquet");
    write_uneven_file(&path);
    let footer = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let third = footer.metadata().row_group(2).column(0).data_page_offset();
    let session = Engine::embedded(Arc::new(Config::default())).unwrap().session();
    let ctx = session.context();
    for sql in [
        "SET datafusion.execution.target_partitions = 2".to_owned(),
        "SET datafusion.optimizer.repartition_file_min_size = 1".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{}'", path.display()),
    ] {
        ctx.sql(&sql).await.unwrap();
    }
    let query = ctx.sql("SELECT text FROM t WHERE length(text) > 0").await.unwrap();
    let size = i64::try_from(path.metadata().unwrap().len()).unwrap();
    let plan = query.clone().create_physical_plan().await.unwrap();
    assert_eq!(scan_ranges(&plan), [[(0, third)], [(third, size)]]);
    assert_eq!(query.count().await.unwrap(), 400);
}
