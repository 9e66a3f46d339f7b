//! What a format writes beside the bytes of its shards.

use bytes::Bytes;

/// What an encoder has to say about a finished shard, beside its bytes.
#[derive(Debug, Default)]
pub struct ShardExtras {
    /// Files that belong to the shard, one per extension that [`Format::companions`](super::Format::companions) lists.
    pub companions: Vec<Companion>,
    /// The size of the shard before it was compressed, where it was.
    pub raw_bytes: Option<u64>,
}

/// A small file that belongs to one shard and has its name with another extension: an index, a list.
///
/// It lies outside of the folder that a trainer reads; beside a single file.
#[derive(Debug)]
pub struct Companion {
    /// Its extension, without a dot.
    pub extension: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A small file that belongs to a whole training set or to one of its splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFile {
    /// Where it goes, relative to what it belongs to.
    pub path: String,
    /// What is in it.
    pub bytes: Bytes,
}
