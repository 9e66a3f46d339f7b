//! Compression of whole shards, for formats whose readers undo it.

use super::{Encoder, ShardExtras};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// How a shard is compressed as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// Gzip, at a level from 0 to 9.
    Gzip(GzipLevel),
    /// Zstandard, at a level from 1 to 22.
    Zstd(ZstdLevel),
}

/// A level of gzip, from 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GzipLevel(u8);

/// A level of Zstandard, from 1 to 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZstdLevel(u8);

/// What the `gzip` tool uses.
const GZIP_LEVEL: GzipLevel = GzipLevel(6);
/// What the `zstd` tool uses.
const ZSTD_LEVEL: ZstdLevel = ZstdLevel(3);

impl Compression {
    /// `none`, `gzip`, `gzip(level)`, `zstd` or `zstd(level)`, in any case.
    ///
    /// **Errors** [`Code::BadOption`] lists them.
    pub fn parse(text: &str) -> Result<Compression> {
        let name = text.trim().to_ascii_lowercase();
        let level = |codec: &str| -> Option<u8> {
            name.strip_prefix(codec)?.strip_prefix('(')?.strip_suffix(')')?.trim().parse().ok()
        };
        match (name.as_str(), level("gzip"), level("zstd")) {
            ("none" | "uncompressed", _, _) => Ok(Self::None),
            ("gzip" | "gz", _, _) => Ok(Self::Gzip(GZIP_LEVEL)),
            ("zstd", _, _) => Ok(Self::Zstd(ZSTD_LEVEL)),
            (_, Some(level @ 0..=9), _) => Ok(Self::Gzip(GzipLevel(level))),
            (_, _, Some(level @ 1..=22)) => Ok(Self::Zstd(ZstdLevel(level))),
            _ => {
                let message = format!("option 'compression' has the value '{text}': not a compression");
                Err(Error::new(Code::BadOption, message).with_hint(
                    "write 'none', 'gzip', 'gzip(0)' to 'gzip(9)', 'zstd', 'zstd(1)' to 'zstd(22)'",
                ))
            }
        }
    }

    /// What it appends to the extension of a file.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip(_) => ".gz",
            Self::Zstd(_) => ".zst",
        }
    }

    /// An encoder of the same rows whose bytes are compressed.
    ///
    /// **Errors** none that input can cause.
    pub(super) fn wrap(self, encoder: Box<dyn Encoder>) -> Result<Box<dyn Encoder>> {
        let stream = match self {
            Self::None => return Ok(encoder),
            Self::Gzip(GzipLevel(level)) => {
                // Without a time or a name in the header, so that equal rows give equal bytes.
                Stream::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(level.into())))
            }
            Self::Zstd(ZstdLevel(level)) => {
                let stream = zstd::stream::write::Encoder::new(Vec::new(), i32::from(level));
                Stream::Zstd(stream.map_err(cannot_compress)?)
            }
        };
        Ok(Box::new(CompressedEncoder { encoder, stream, raw: Vec::new(), raw_bytes: 0 }))
    }
}

impl TryFrom<String> for Compression {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Compression> for String {
    fn from(compression: Compression) -> String {
        match compression {
            Compression::None => "none".to_owned(),
            Compression::Gzip(GzipLevel(level)) => format!("gzip({level})"),
            Compression::Zstd(ZstdLevel(level)) => format!("zstd({level})"),
        }
    }
}

/// The compressor takes whole pieces of this size, so that its output does not depend on how rows were batched.
const PIECE_BYTES: usize = 128 * 1024;

/// **Limits** holds less than one piece uncompressed, what one batch encodes to, and the compressor's window.
struct CompressedEncoder {
    encoder: Box<dyn Encoder>,
    stream: Stream,
    raw: Vec<u8>,
    raw_bytes: u64,
}

enum Stream {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Finished,
}

impl std::fmt::Debug for CompressedEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompressedEncoder").field("encoder", &self.encoder).finish_non_exhaustive()
    }
}

impl Stream {
    fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let written = match self {
            Stream::Gzip(stream) => stream.write_all(piece).map(|()| stream.get_mut()),
            Stream::Zstd(stream) => stream.write_all(piece).map(|()| stream.get_mut()),
            Stream::Finished => return Err(Error::new(Code::Internal, "a finished shard got more rows")),
        };
        out.append(written.map_err(cannot_compress)?);
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        let rest = match self {
            Stream::Gzip(stream) => stream.finish(),
            Stream::Zstd(stream) => stream.finish(),
            Stream::Finished => Ok(Vec::new()),
        };
        out.extend_from_slice(&rest.map_err(cannot_compress)?);
        Ok(())
    }
}

impl CompressedEncoder {
    fn compress_pieces(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let whole = self.raw.len() / PIECE_BYTES * PIECE_BYTES;
        for piece in self.raw[..whole].chunks_exact(PIECE_BYTES) {
            self.stream.write(piece, out)?;
        }
        self.raw.drain(..whole);
        Ok(())
    }
}

impl Encoder for CompressedEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let before = self.raw.len();
        self.encoder.encode(batch, &mut self.raw)?;
        self.raw_bytes += (self.raw.len() - before) as u64;
        self.compress_pieces(out)
    }

    fn buffered_bytes(&self) -> usize {
        self.encoder.buffered_bytes() + self.raw.len()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        let before = self.raw.len();
        let extras = self.encoder.finish(&mut self.raw)?;
        self.raw_bytes += (self.raw.len() - before) as u64;
        self.compress_pieces(out)?;
        let rest = std::mem::take(&mut self.raw);
        self.stream.write(&rest, out)?;
        std::mem::replace(&mut self.stream, Stream::Finished).finish(out)?;
        Ok(ShardExtras { raw_bytes: Some(self.raw_bytes), ..extras })
    }
}

fn cannot_compress(error: std::io::Error) -> Error {
    Error::new(Code::Internal, "rows could not be compressed").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::Compression;
    use crate::error::Code;

    #[test]
    fn a_compression_reads_back_as_itself() {
        for text in ["none", "gzip(6)", "gzip(0)", "zstd(3)", "zstd(22)"] {
            assert_eq!(String::from(Compression::parse(text).unwrap()), text);
        }
        assert_eq!(String::from(Compression::parse("GZIP").unwrap()), "gzip(6)");
    }

    #[test]
    fn what_is_no_compression_is_refused() {
        for text in ["", "lzma", "gzip(10)", "zstd(0)", "gzip(", "zstd(x)"] {
            assert_eq!(Compression::parse(text).unwrap_err().code(), Code::BadOption, "{text}");
        }
    }
}
