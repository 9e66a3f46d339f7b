//! The TPC-H data that commands read: where it is, and how it becomes tables.

use gristmill_engine::{Code, Error, Result};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

const TABLES: [&str; 8] =
    ["nation", "region", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

/// Which data to read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DatasetArgs {
    /// The folder that `benches data` was given
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// The scale factor of the data
    #[arg(long, value_name = "SCALE", default_value = "1")]
    pub(crate) scale: f64,
}

/// The eight tables at one scale, one Parquet file each.
#[derive(Debug, Clone)]
pub(crate) struct Dataset {
    folder: PathBuf,
    scale: f64,
}

impl Dataset {
    /// The data at `scale` in `dir`, whether it is there or not.
    pub(crate) fn at(dir: &Path, scale: f64) -> Self {
        Self { folder: dir.join(format!("sf{scale}")), scale }
    }

    /// The data that `args` name.
    ///
    /// # Errors
    /// As [`Dataset::check`].
    pub(crate) fn open(args: &DatasetArgs) -> Result<Self> {
        Self::at(&args.dir, args.scale).check()
    }

    /// The same data under an absolute path, as processes elsewhere need it.
    ///
    /// # Errors
    /// `PathNotFound` when a table is missing.
    pub(crate) fn check(self) -> Result<Self> {
        if let Some(missing) = TABLES.iter().map(|table| self.file(table)).find(|file| !file.is_file()) {
            let dir = self.folder.parent().unwrap_or(&self.folder).display();
            return Err(Error::new(Code::PathNotFound, format!("there is no \"{}\"", missing.display()))
                .with_hint(format!("make it: benches data --scale {} --dir {dir}", self.scale)));
        }
        let folder =
            self.folder.canonicalize().map_err(|error| Error::from_io(error, self.folder.display()))?;
        Ok(Self { folder, ..self })
    }

    /// Whether every table is there.
    pub(crate) fn is_complete(&self) -> bool {
        TABLES.iter().all(|table| self.file(table).is_file())
    }

    /// The folder of this scale.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The scale factor.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// The file of `table`.
    pub(crate) fn file(&self, table: &str) -> PathBuf {
        self.folder.join(format!("{table}.parquet"))
    }

    /// One `CREATE EXTERNAL TABLE` per table.
    pub(crate) fn statements(&self) -> Vec<String> {
        TABLES.iter().map(|table| create_table(table, &self.file(table))).collect()
    }

    /// Reads the file of `table` once, so that the first measurement finds it in memory as the later ones do.
    ///
    /// # Errors
    /// Those of reading it.
    pub(crate) fn warm(&self, table: &str) -> Result<()> {
        let file = self.file(table);
        let read = File::open(&file).and_then(|mut opened| io::copy(&mut opened, &mut io::sink()));
        read.map(drop).map_err(|error| Error::from_io(error, file.display()))
    }
}

/// The statement that makes a table of a Parquet file; every contender understands it.
pub(crate) fn create_table(table: &str, file: &Path) -> String {
    format!("CREATE EXTERNAL TABLE {table} STORED AS PARQUET LOCATION '{}'", quoted(file))
}

/// A path as it stands between SQL's quotes.
pub(crate) fn quoted(path: &Path) -> String {
    path.to_string_lossy().replace('\'', "''")
}
