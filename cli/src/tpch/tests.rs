use super::layout::{Chunk, tables};
use super::*;
use arrow::array::RecordBatch;
use object_store::ObjectStoreExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

fn request(store: Arc<dyn ObjectStore>, tables: &[Table]) -> Request {
    Request {
        scale: 0.001,
        tables: tables.to_vec(),
        format: FileFormat::Parquet,
        partitions: 1,
        overwrite: false,
        location: Location::parse("s3://bucket/data").unwrap(),
        store,
    }
}

/// The tables in a new folder of this machine.
fn local_request(tables: &[Table]) -> (tempfile::TempDir, Request) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
    (folder, Request { location, ..request(Arc::new(LocalFileSystem::new()), tables) })
}

fn names(folder: &std::path::Path) -> Vec<std::ffi::OsString> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

async fn run(request: &Request) -> Result<Vec<TableFiles>> {
    generate(request, &Progress::default(), &CancellationToken::new()).await
}

/// The rows of the Parquet files, in the order given.
async fn rows(store: &dyn ObjectStore, paths: &[&str]) -> RecordBatch {
    let mut batches = Vec::new();
    for path in paths {
        let bytes = store.get(&Path::from(*path)).await.unwrap().bytes().await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        batches.extend(reader.map(|batch| batch.unwrap()));
    }
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[tokio::test]
async fn all_tables_have_the_rows_of_the_specification() {
    let written = run(&request(Arc::new(InMemory::new()), &Table::ALL)).await.unwrap();
    let found: Vec<(&str, u64)> =
        written.iter().map(|table| (table.location.object_path().filename().unwrap(), table.rows)).collect();
    let expected = [
        ("nation.parquet", 25),
        ("region.parquet", 5),
        ("supplier.parquet", 10),
        ("customer.parquet", 150),
        ("part.parquet", 200),
        ("partsupp.parquet", 800),
        ("orders.parquet", 1_500),
        // DuckDB 1.5: CALL dbgen(sf = 0.001); SELECT count(*) FROM lineitem
        ("lineitem.parquet", 6_005),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_rows_do_not_depend_on_the_number_of_files() {
    let store = Arc::new(InMemory::new());
    let whole = request(store.clone(), &[Table::Lineitem]);
    run(&whole).await.unwrap();
    let parts = Request { partitions: 3, location: Location::parse("s3://bucket/parts").unwrap(), ..whole };
    assert_eq!(run(&parts).await.unwrap()[0].files, 3);
    let names = [0, 1, 2].map(|index| format!("parts/lineitem/part-0000{index}-of-00003.parquet"));
    assert_eq!(
        rows(store.as_ref(), &names.each_ref().map(String::as_str)).await,
        rows(store.as_ref(), &["data/lineitem.parquet"]).await
    );
}

#[tokio::test]
async fn csv_has_one_header_per_file() {
    let store = Arc::new(InMemory::new());
    let csv = Request { format: FileFormat::Csv, ..request(store.clone(), &[Table::Region]) };
    run(&csv).await.unwrap();
    let bytes = store.get(&Path::from("data/region.csv")).await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 6);
    assert_eq!(text.lines().filter(|line| line.starts_with("r_regionkey,")).count(), 1);
}

#[tokio::test]
async fn what_is_there_is_replaced_only_when_asked() {
    let (folder, mut nation) = local_request(&[Table::Nation]);
    run(&nation).await.unwrap();
    assert_eq!(run(&nation).await.unwrap_err().code(), Code::LocationNotEmpty);
    nation.overwrite = true;
    run(&nation).await.unwrap();
    assert_eq!(names(folder.path()), ["nation.parquet"]);
}

#[tokio::test]
async fn fewer_files_replace_all_of_the_more_files_before() {
    let (folder, request) = local_request(&[Table::Supplier]);
    run(&Request { partitions: 3, ..request.clone() }).await.unwrap();
    run(&Request { partitions: 2, overwrite: true, ..request }).await.unwrap();
    assert_eq!(names(&folder.path().join("supplier")).len(), 2);
}

#[tokio::test]
async fn a_cancelled_generation_leaves_no_unfinished_file() {
    let (folder, request) = local_request(&[Table::Orders]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = generate(&request, &Progress::default(), &cancel).await.unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn chunks_cover_a_table_without_gaps() {
    let check = |scale: f64, table: Table, partitions: u32, files: usize, per_file: u32| {
        let request = Request { scale, partitions, ..request(Arc::new(InMemory::new()), &[table]) };
        let layout = tables(&request).unwrap().remove(0);
        assert_eq!((layout.files.len(), layout.chunks_per_file), (files, per_file), "{table:?} at {scale}");
        let chunks: Vec<Chunk> = layout.plan().collect();
        assert_eq!(chunks.len() as u64, layout.chunks());
        assert!(chunks.iter().zip(1..).all(|(chunk, part)| chunk.part == part));
        assert_eq!(chunks.iter().filter(|chunk| chunk.is_first).count(), files);
        assert_eq!(chunks.iter().filter(|chunk| chunk.is_last).count(), files);
    };
    check(1.0, Table::Lineitem, 1, 1, 6);
    check(1.0, Table::Lineitem, 4, 4, 2);
    check(1.0, Table::Nation, 4, 1, 1);
    check(0.001, Table::Supplier, 64, 10, 1);
    check(100_000.0, Table::Lineitem, 1, 1, 600_000);
}

#[test]
fn table_names_parse_whatever_their_case() {
    assert_eq!(Table::parse(" LineItem "), Some(Table::Lineitem));
    assert_eq!(Table::parse("lineitems"), None);
}
