//! A training set as it lies on a disk, read without any code of the engine: what its manifest says against what is
//! there. A bucket of the S3 server is a folder, so this is good for S3 too.

use crate::csv;
use crate::paths::files_below;
use gristmill_proto::manifest::{Manifest, ShardInfo};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const MANIFEST: &str = "_gristmill/manifest.json";

/// A training set that is whole.
#[derive(Debug)]
pub struct OnDisk {
    /// What it says about itself.
    pub manifest: Manifest,
    folder: PathBuf,
}

impl OnDisk {
    /// Reads the training set in `folder` and checks all of it.
    ///
    /// # Panics
    /// There is none, a shard is not what the manifest says, or there is a file that nothing speaks of.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(MANIFEST);
        let text = std::fs::read(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; there are {:?}", path.display(), files_below(folder));
        });
        let manifest: Manifest = serde_json::from_slice(&text).expect("a manifest");
        let set = Self { manifest, folder: folder.to_owned() };
        set.manifest.shards.iter().for_each(|shard| set.check_shard(shard));
        set.check_splits();
        set.check_files();
        set
    }

    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.manifest.shards.iter().map(|shard| shard.rows).sum()
    }

    /// The files of statistics beside the shards, and their hashes.
    #[must_use]
    pub fn statistics(&self) -> Vec<(String, String)> {
        let is_one = |path: &str| {
            ["statistics.json", "constraints.json", "drift.json"].iter().any(|end| path.ends_with(end))
        };
        let files = self.manifest.files.iter().filter(|file| is_one(&file.path));
        files.map(|file| (file.path.clone(), file.sha256.clone())).collect()
    }

    /// The names of its splits.
    #[must_use]
    pub fn splits(&self) -> Vec<String> {
        self.manifest.splits.iter().map(|split| split.name.clone()).collect()
    }

    /// The fields of all rows of a split, which has to be CSV.
    #[must_use]
    pub fn csv_rows(&self, split: &str) -> Vec<Vec<Option<String>>> {
        let shards = self.manifest.shards.iter().filter(|shard| shard.split == split);
        shards.flat_map(|shard| csv::parse(&String::from_utf8(self.read(shard)).expect("UTF-8"))).collect()
    }

    /// Path, rows and SHA-256 of every shard: what has to be equal for equal bytes.
    #[must_use]
    pub fn shards(&self) -> Vec<(String, u64, String)> {
        let shards = self.manifest.shards.iter();
        shards.map(|shard| (shard.path.clone(), shard.rows, shard.sha256.clone())).collect()
    }

    /// The files of its shards.
    #[must_use]
    pub fn files(&self, split: &str) -> Vec<PathBuf> {
        let shards = self.manifest.shards.iter().filter(|shard| shard.split == split);
        shards.map(|shard| self.folder.join(&shard.path)).collect()
    }

    fn read(&self, shard: &ShardInfo) -> Vec<u8> {
        let path = self.folder.join(&shard.path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn check_shard(&self, shard: &ShardInfo) {
        let bytes = self.read(shard);
        assert_eq!(bytes.len() as u64, shard.bytes, "bytes of {}", shard.path);
        assert_eq!(hex::encode(Sha256::digest(&bytes)), shard.sha256, "SHA-256 of {}", shard.path);
        assert!(shard.rows > 0, "{} is empty", shard.path);
        assert!(
            shard.split.is_empty() || shard.path.starts_with(&format!("{}/", shard.split)),
            "{}",
            shard.path
        );
        let rows = match self.manifest.format.name.as_str() {
            "CSV" => csv::parse(&String::from_utf8(bytes).expect("UTF-8")).len() as u64,
            "PARQUET" => parquet_rows(&self.folder.join(&shard.path)),
            "JSONL" => bytes.iter().filter(|byte| **byte == b'\n').count() as u64,
            "TFRECORD" => tfrecords(&bytes),
            "MDS" => u64::from(u32::from_le_bytes(*bytes.first_chunk().expect("a count of samples"))),
            other => panic!("format {other}"),
        };
        assert_eq!(rows, shard.rows, "rows of {}", shard.path);
    }

    fn check_splits(&self) {
        for split in &self.manifest.splits {
            let own = || self.manifest.shards.iter().filter(|shard| shard.split == split.name);
            assert_eq!(split.shards, own().count() as u64, "shards of {}", split.name);
            assert_eq!(split.rows, own().map(|shard| shard.rows).sum::<u64>(), "rows of {}", split.name);
            assert_eq!(split.bytes, own().map(|shard| shard.bytes).sum::<u64>(), "bytes of {}", split.name);
        }
        let known: BTreeSet<&str> = self.manifest.splits.iter().map(|split| split.name.as_str()).collect();
        assert!(
            self.manifest.shards.iter().all(|shard| known.contains(shard.split.as_str())),
            "an unknown split"
        );
    }

    /// Shards, and beside them only the manifest and the files it lists: no claim, no journal, nothing temporary.
    fn check_files(&self) {
        let mut expected: BTreeSet<String> =
            self.manifest.shards.iter().map(|shard| shard.path.clone()).collect();
        expected.insert(MANIFEST.to_owned());
        for file in &self.manifest.files {
            let bytes = std::fs::read(self.folder.join(&file.path)).expect("a file that the manifest lists");
            let found = (bytes.len() as u64, hex::encode(Sha256::digest(&bytes)));
            assert_eq!(found, (file.bytes, file.sha256.clone()), "{}", file.path);
            expected.insert(file.path.clone());
        }
        let found: BTreeSet<String> = files_below(&self.folder).into_iter().collect();
        assert_eq!(found, expected, "files of {}", self.folder.display());
    }
}

/// Records of a length in 8 bytes, its checksum in 4, so many bytes and their checksum.
fn tfrecords(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        bytes = &rest[4 + u64::from_le_bytes(*length) as usize + 4..];
        count += 1;
    }
    count
}

fn parquet_rows(path: &Path) -> u64 {
    let file = std::fs::File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    u64::try_from(reader.metadata().file_metadata().num_rows()).expect("a number of rows")
}

/// What a trainer, or whoever looks for a training set, could mistake for one in `folder`: a manifest, and files
/// outside of `_gristmill` whose name does not start with a dot.
#[must_use]
pub fn visible(folder: &Path) -> Vec<String> {
    let is_visible = |path: &String| {
        let hidden = path.split('/').any(|name| name.starts_with('.') || name == "_gristmill");
        path == MANIFEST || !hidden
    };
    files_below(folder).into_iter().filter(is_visible).collect()
}
