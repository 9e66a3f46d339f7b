//! TPC-H data for tests, made once per target folder.

use crate::paths;
use gristmill::tpch::{FileFormat, Progress, Request, Table, generate};
use gristmill_engine::config::Config;
use gristmill_engine::storage::{Location, Stores};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// A folder with TPC-H at scale factor 0.01, one Parquet file per table.
pub async fn tpch_small() -> &'static Path {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    FOLDER.get_or_init(|| make(0.01)).await
}

/// A folder with TPC-H at scale factor 0.1, one Parquet file per table.
pub async fn tpch_large() -> &'static Path {
    static FOLDER: OnceCell<PathBuf> = OnceCell::const_new();
    FOLDER.get_or_init(|| make(0.1)).await
}

/// The names of the tables.
#[must_use]
pub fn tables() -> [&'static str; 8] {
    Table::ALL.map(Table::name)
}

/// The statements that make every table of the TPC-H data in `folder` known to a session.
#[must_use]
pub fn create_tables(folder: &Path) -> Vec<String> {
    let create = |name| {
        format!(
            "CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION '{}/{name}.parquet'",
            folder.display()
        )
    };
    tables().into_iter().map(create).collect()
}

/// Makes the folder under another name and renames it, so that it is there as a whole or not at all: other test
/// binaries, and runs that are killed, do the same.
async fn make(scale: f64) -> PathBuf {
    let folder = paths::target_tmp().join(format!("tpch-sf{scale}"));
    if folder.is_dir() {
        return folder;
    }
    let unfinished = tempfile::tempdir_in(paths::target_tmp()).expect("a folder for TPC-H data");
    let location = Location::parse(unfinished.path().to_str().expect("UTF-8")).expect("a location");
    let config = Config::default();
    let store = Stores::new(&config.s3, &config.write).reader(&location).expect("the local file system");
    let request = Request {
        scale,
        tables: Table::ALL.to_vec(),
        format: FileFormat::Parquet,
        partitions: 1,
        overwrite: false,
        location,
        store,
    };
    generate(&request, &Progress::default(), &CancellationToken::new()).await.expect("TPC-H data");
    let finished = unfinished.keep();
    if std::fs::rename(&finished, &folder).is_err() {
        assert!(folder.is_dir(), "could not rename {} to {}", finished.display(), folder.display());
        std::fs::remove_dir_all(&finished).expect("somebody else was faster");
    }
    folder
}
