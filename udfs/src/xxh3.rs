//! The one place that names the hash algorithm's implementation.

use twox_hash::XxHash3_64;

/// XXH3_64 of `bytes` with `seed`, the default secret derived from it.
#[inline]
pub(crate) fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(seed, bytes)
}
