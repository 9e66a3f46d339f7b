//! SHA-256, which every byte of a shard goes through.

use super::{KernelResult, Sample};
use crate::measure::minimum;
use crate::table::{Table, mb_per_s};
use gristmill_engine::Result;
use sha2::{Digest, Sha256};
use std::hint::black_box;

/// In pieces as a shard has them, so that the bytes come out of the cache.
const PIECE_BYTES: usize = 512 * 1024;
const PIECES: usize = 256;

/// Hashes 128 MiB.
pub(super) fn measure(sample: &Sample) -> Result<KernelResult> {
    let piece: Vec<u8> = (0..=u8::MAX).cycle().take(PIECE_BYTES).collect();
    let timed = sample.time("gristmill", || {
        let mut hash = Sha256::new();
        for _ in 0..PIECES {
            hash.update(black_box(&piece));
        }
        black_box(hash.finalize());
        Ok((PIECE_BYTES * PIECES) as u64)
    })?;
    Ok(KernelResult { kernel: "sha256", columns: "bytes", rows: 0, values: timed.bytes, by: vec![timed] })
}

/// One row.
pub(super) fn table(result: &KernelResult) -> Table {
    let mut table = Table::new("SHA-256, per core", ["", "MB/s in", "(best)"]);
    for timed in &result.by {
        let bytes = timed.bytes as f64;
        let best = format!("({})", mb_per_s(bytes, minimum(&timed.seconds)));
        table.push(vec![timed.by.to_owned(), mb_per_s(bytes, timed.median()), best]);
    }
    table
}
