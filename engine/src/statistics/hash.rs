//! Hashes for sketches: cheap and well mixed, the same in every process of a job. No file keeps them.

const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND: u64 = 0xd6e8_feb8_6659_fd93;

/// The hash of a number's bits.
///
/// **Source** the folded multiplication of Wang Yi's wyhash: both halves of a 128-bit product, so that high bits count in
/// low ones. Twice, as the products of numbers in a row lie too evenly for a sketch that counts on chance.
#[inline]
pub(super) fn hash_number(bits: u64) -> u64 {
    mix(bits)
}

/// The hash of a text's bytes.
#[inline]
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = SECOND ^ (bytes.len() as u64).wrapping_mul(FIRST);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word), FIRST);
    }
    fold(hash ^ last_word(bytes, rest), SECOND)
}

/// The bytes after the last whole word: read with some before them where there are, as a copy of a few bytes is slow.
#[inline]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    if rest.is_empty() {
        return 0;
    }
    if let Some(word) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*word);
    }
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>(), rest) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        (_, _, [a]) => u64::from(*a),
        (_, _, [a, b]) => u64::from(*a) | u64::from(*b) << 8,
        (_, _, [a, b, c, ..]) => u64::from(*a) | u64::from(*b) << 8 | u64::from(*c) << 16,
        _ => 0,
    }
}

/// A well mixed number for a counter: what is random in a sketch is a function of positions alone.
#[inline]
pub(super) fn mix(counter: u64) -> u64 {
    let folded = fold(counter.wrapping_add(FIRST), FIRST);
    fold(folded ^ SECOND, SECOND)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::{hash_bytes, hash_number};
    use std::collections::HashSet;

    #[test]
    fn texts_that_differ_in_one_byte_or_in_length_have_other_hashes() {
        let mut hashes = HashSet::new();
        for length in 0..40 {
            assert!(hashes.insert(hash_bytes(&vec![b'a'; length])), "{length}");
            for place in 0..length {
                let mut text = vec![b'a'; length];
                text[place] = b'b';
                assert!(hashes.insert(hash_bytes(&text)), "{length} {place}");
            }
        }
    }

    #[test]
    fn hashes_of_numbers_in_a_row_fill_every_bit_evenly() {
        let rows = 1 << 16;
        let ones =
            |bit: u32| (0..rows).filter(move |row| hash_number((*row as f64).to_bits()) >> bit & 1 == 1);
        for bit in 0..64 {
            let share = ones(bit).count() as f64 / f64::from(rows);
            assert!((share - 0.5).abs() < 0.02, "bit {bit}: {share}");
        }
    }
}
