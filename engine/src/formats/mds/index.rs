//! The configuration in each MDS shard, and `index.json`, which lists the shards of a folder.

use super::MdsColumn;
use crate::error::{Code, Error, Result};
use crate::formats::Compression;
use gristmill_proto::manifest::ShardInfo;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Streaming's default; its readers do not look at it.
const SIZE_LIMIT: u64 = 1 << 26;
/// Of the layout.
const VERSION: u32 = 2;

/// What a shard says of itself. The fields of these types stand in the order of their names, as Streaming writes them.
#[derive(Serialize)]
struct Config<'a> {
    column_encodings: Vec<&'a str>,
    column_names: Vec<&'a str>,
    column_sizes: Vec<Option<usize>>,
    compression: Option<String>,
    format: &'static str,
    hashes: [&'static str; 0],
    size_limit: u64,
    version: u32,
}

#[derive(Serialize)]
struct Index<'a> {
    shards: Vec<Shard<'a>>,
    version: u32,
}

#[derive(Serialize)]
struct Shard<'a> {
    column_encodings: Vec<&'a str>,
    column_names: Vec<&'a str>,
    column_sizes: Vec<Option<usize>>,
    compression: Option<String>,
    format: &'static str,
    hashes: [&'static str; 0],
    raw_data: File<'a>,
    samples: u64,
    size_limit: u64,
    version: u32,
    zip_data: Option<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    basename: &'a str,
    bytes: u64,
    hashes: BTreeMap<&'static str, &'static str>,
}

impl<'a> File<'a> {
    fn new(basename: &'a str, bytes: u64) -> File<'a> {
        File { basename, bytes, hashes: BTreeMap::new() }
    }
}

/// The configuration in a shard.
pub(super) fn config(columns: &[MdsColumn], compression: Compression) -> Result<Vec<u8>> {
    to_json(&describe(columns, compression))
}

/// The text of `index.json`; `suffix` is what compression appended to the names of `shards`.
pub(super) fn index(
    columns: &[MdsColumn],
    compression: Compression,
    shards: &[&ShardInfo],
    suffix: &str,
) -> Result<Vec<u8>> {
    let shards = shards.iter().map(|info| {
        let config = describe(columns, compression);
        let name = info.path.rsplit('/').next().unwrap_or(&info.path);
        Shard {
            raw_data: File::new(name.strip_suffix(suffix).unwrap_or(name), info.raw_bytes),
            zip_data: config.compression.is_some().then(|| File::new(name, info.bytes)),
            samples: info.rows,
            column_encodings: config.column_encodings,
            column_names: config.column_names,
            column_sizes: config.column_sizes,
            compression: config.compression,
            format: config.format,
            hashes: config.hashes,
            size_limit: config.size_limit,
            version: config.version,
        }
    });
    to_json(&Index { shards: shards.collect(), version: VERSION })
}

fn describe(columns: &[MdsColumn], compression: Compression) -> Config<'_> {
    Config {
        column_encodings: columns.iter().map(|column| column.encoding.as_str()).collect(),
        column_names: columns.iter().map(|column| column.field.name().as_str()).collect(),
        column_sizes: columns.iter().map(|column| column.size).collect(),
        compression: streaming_name(compression),
        format: "mds",
        hashes: [],
        size_limit: SIZE_LIMIT,
        version: VERSION,
    }
}

/// `zstd:3`, `gz:6`.
fn streaming_name(compression: Compression) -> Option<String> {
    let text = String::from(compression);
    let (codec, level) = text.strip_suffix(')')?.split_once('(')?;
    Some(format!("{}:{level}", if codec == "gzip" { "gz" } else { codec }))
}

/// JSON with spaces as Python's `json.dumps` sets them.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    value.serialize(&mut serializer).map_err(|error| {
        Error::new(Code::Internal, "the index of an MDS folder cannot be written").with_source(error)
    })?;
    Ok(out)
}
