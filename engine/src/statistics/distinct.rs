//! How many different values a column has, about.

/// Bits of a hash that choose a register.
const INDEX_BITS: u32 = 12;
const REGISTERS: usize = 1 << INDEX_BITS;
/// The largest rank: one more than the bits that are left.
const MOST: usize = 64 - INDEX_BITS as usize + 1;
/// `1 / (2 ln 2)`.
const ALPHA: f64 = 0.721_347_520_444_481_7;
/// The length of a register in bytes form.
const REGISTER_BITS: usize = 6;
const DENSE_BYTES: usize = REGISTERS * REGISTER_BITS / 8;

/// A HyperLogLog sketch: how many different hashes were added, with a standard error of 1.6 %.
///
/// The order and number of times in which hashes are added, and how sketches are merged, make no difference.
///
/// **Limits** 4 KiB once a hash was added.
/// **Source** Flajolet et al. (2007); the estimator is that of Ertl, *New cardinality estimation algorithms for
/// HyperLogLog sketches* (2017), which needs no correction for small or large numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distinct {
    /// The largest rank of each register; empty before the first hash.
    registers: Vec<u8>,
}

impl Distinct {
    /// Adds hashes.
    pub(super) fn extend(&mut self, hashes: impl Iterator<Item = u64>) {
        self.registers.resize(REGISTERS, 0);
        let Some(registers) = self.registers.first_chunk_mut::<REGISTERS>() else { return };
        for hash in hashes {
            let index = (hash >> (64 - INDEX_BITS)) as usize;
            let rest = hash << INDEX_BITS | 1 << (INDEX_BITS - 1);
            let rank = rest.leading_zeros() as u8 + 1;
            if registers[index] < rank {
                registers[index] = rank;
            }
        }
    }

    /// Adds what another sketch saw.
    pub(super) fn merge(&mut self, other: &Distinct) {
        if self.registers.is_empty() {
            self.registers.clone_from(&other.registers);
        }
        for (ours, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *ours = (*ours).max(*theirs);
        }
    }

    /// The estimate.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        let mut counts = [0_u32; MOST + 1];
        for register in &self.registers {
            counts[usize::from(*register).min(MOST)] += 1;
        }
        if self.registers.is_empty() {
            return 0;
        }
        let registers = REGISTERS as f64;
        let mut sum = registers * tau(1.0 - f64::from(counts[MOST]) / registers);
        for count in counts[1..MOST].iter().rev() {
            sum = 0.5 * (sum + f64::from(*count));
        }
        sum += registers * sigma(f64::from(counts[0]) / registers);
        (ALPHA * registers * registers / sum).round() as u64
    }

    /// As bytes: six bits a register, or only those that are set where they are few.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let set = || self.registers.iter().enumerate().filter(|(_, rank)| **rank > 0);
        if set().count() * 3 < DENSE_BYTES {
            return set().flat_map(|(index, rank)| [index as u8, (index >> 8) as u8, *rank]).collect();
        }
        let mut bytes = vec![0; DENSE_BYTES];
        for (index, rank) in set() {
            let (byte, shift) = (index * REGISTER_BITS / 8, index * REGISTER_BITS % 8);
            let [low, high] = (u16::from(*rank) << shift).to_le_bytes();
            bytes[byte] |= low;
            if high > 0 {
                bytes[byte + 1] |= high;
            }
        }
        bytes
    }

    /// From [`Distinct::to_bytes`]; `None` for other bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let mut registers = vec![0; REGISTERS];
        if bytes.len() == DENSE_BYTES {
            for (index, register) in registers.iter_mut().enumerate() {
                let (byte, shift) = (index * REGISTER_BITS / 8, index * REGISTER_BITS % 8);
                let high = bytes.get(byte + 1).copied().unwrap_or(0);
                *register = (u16::from_le_bytes([bytes[byte], high]) >> shift & 0x3f) as u8;
            }
            return Some(Self { registers });
        }
        let (triples, []) = bytes.as_chunks::<3>() else { return None };
        for [low, high, rank] in triples {
            *registers.get_mut(usize::from(u16::from_le_bytes([*low, *high])))? = *rank;
        }
        Some(Self { registers })
    }
}

/// What registers add that no hash reached.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// What registers add that are at the largest rank.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root) * (1.0 - root) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Distinct;
    use crate::statistics::hash::hash_number;

    fn sketch(values: std::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::default();
        distinct.extend(values.map(hash_number));
        distinct
    }

    #[test]
    fn estimates_are_within_three_standard_errors_at_every_size() {
        assert_eq!(Distinct::default().estimate(), 0);
        for count in [1, 2, 10, 50, 300, 3_000, 30_000, 1_000_000] {
            let estimate = sketch(0..count).estimate();
            let error = (estimate as f64 - count as f64).abs() / count as f64;
            assert!(error <= 0.05, "{count}: {estimate}");
        }
        assert_eq!((sketch(0..1).estimate(), sketch(0..10).estimate()), (1, 10));
    }

    #[test]
    fn a_merge_is_the_sketch_of_all_values() {
        let mut merged = sketch(0..600);
        merged.merge(&sketch(400..5_000));
        assert_eq!(merged, sketch(0..5_000));
        let mut from_nothing = Distinct::default();
        from_nothing.merge(&merged);
        assert_eq!(from_nothing, merged);
    }

    #[test]
    fn bytes_keep_a_sketch_and_are_few() {
        for (count, most) in [(0, 0), (10, 30), (5_000, 3_072), (1_000_000, 3_072)] {
            let bytes = sketch(0..count).to_bytes();
            assert!(bytes.len() <= most, "{count}: {}", bytes.len());
            assert_eq!(Distinct::from_bytes(&bytes).unwrap().estimate(), sketch(0..count).estimate());
        }
        assert_eq!(Distinct::from_bytes(&[1, 2]), None);
        assert_eq!(Distinct::from_bytes(&[255, 255, 1]), None);
    }
}
