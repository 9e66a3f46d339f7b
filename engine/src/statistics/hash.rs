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

/// The hash of the text that lies in `bytes` from `start` to `end`: of its length and of its words of eight bytes, in
/// pairs. Of a text of more than two words the last pair is that of its last bytes.
#[inline]
pub(super) fn hash_range(bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length <= PAIR {
        let low = word_at(bytes, start) & mask(length.min(WORD));
        let high = word_at(bytes, start + WORD) & mask(length.saturating_sub(WORD));
        return hash_short(low, high, length);
    }
    let mut hash = first(length);
    let mut at = start;
    while end - at > PAIR {
        hash = fold(hash ^ word_at(bytes, at), FIRST ^ word_at(bytes, at + WORD));
        at += PAIR;
    }
    fold(hash ^ word_at(bytes, end - PAIR), SECOND ^ word_at(bytes, end - WORD))
}

/// The same of a text of at most two words, filled up with zeros.
#[inline]
pub(super) fn hash_short(low: u64, high: u64, length: usize) -> u64 {
    fold(first(length) ^ low, SECOND ^ high)
}

const WORD: usize = 8;
const PAIR: usize = 2 * WORD;

#[inline]
fn first(length: usize) -> u64 {
    SECOND ^ (length as u64).wrapping_mul(FIRST)
}

/// All bits of the first `bytes` bytes of a word, at most eight.
#[inline]
fn mask(bytes: usize) -> u64 {
    u64::MAX.checked_shr(64 - 8 * bytes as u32).unwrap_or(0)
}

/// The eight bytes at that place. What lies after a text is read too, as a copy of a few bytes is slow.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<WORD>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(bytes, at),
    }
}

/// The bytes from that place to the end, which are fewer than eight.
#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
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
    use super::{hash_number, hash_range, hash_short};
    use std::collections::HashSet;

    fn hash_bytes(bytes: &[u8]) -> u64 {
        hash_range(bytes, 0, bytes.len())
    }

    #[test]
    fn a_text_has_the_same_hash_wherever_it_lies() {
        for length in 0..50 {
            let text: Vec<u8> = (1..=length).collect();
            for before in 0..9 {
                let all = [&vec![7; before][..], &text, &[9; 20]].concat();
                assert_eq!(
                    hash_range(&all, before, before + text.len()),
                    hash_bytes(&text),
                    "{length} {before}"
                );
            }
            if length <= 16 {
                let mut words = [0; 16];
                words[..text.len()].copy_from_slice(&text);
                let whole = u128::from_le_bytes(words);
                assert_eq!(hash_short(whole as u64, (whole >> 64) as u64, text.len()), hash_bytes(&text));
            }
        }
    }

    #[test]
    fn texts_that_differ_in_one_byte_or_in_length_have_other_hashes() {
        let mut hashes = HashSet::new();
        for length in 0..70 {
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
