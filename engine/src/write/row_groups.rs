//! The rows of a batch by the shard they go to.

use datafusion::arrow::array::UInt32Array;

/// Sorts the rows of a batch by a small number each, keeping the order of those that have the same.
///
/// A counting sort: a batch has thousands of rows and few groups.
///
/// **Limits** holds 4 bytes a group and 4 bytes a row of the largest batch.
#[derive(Debug)]
pub(super) struct RowGroups {
    groups: usize,
    /// Rows of each group; then, where the group's next row goes.
    counts: Vec<u32>,
    group_of_row: Vec<u32>,
}

impl RowGroups {
    /// For numbers below `groups`. Nothing is held before the first batch.
    pub(super) fn new(groups: usize) -> Self {
        Self { groups, counts: Vec::new(), group_of_row: Vec::new() }
    }

    /// The groups that have rows, in order, each with its rows; `None` when a number is not below `groups`.
    pub(super) fn sort(&mut self, rows: impl Iterator<Item = u32>) -> Option<Vec<(u32, UInt32Array)>> {
        self.counts.clear();
        self.counts.resize(self.groups, 0);
        self.group_of_row.clear();
        for group in rows {
            *self.counts.get_mut(group as usize)? += 1;
            self.group_of_row.push(group);
        }
        let mut ranges = Vec::new();
        let mut start = 0;
        for (group, count) in (0_u32..).zip(&mut self.counts) {
            let length = std::mem::replace(count, start);
            if length > 0 {
                ranges.push((group, start as usize, length as usize));
            }
            start += length;
        }
        let mut sorted = vec![0; self.group_of_row.len()];
        for (row, group) in (0_u32..).zip(&self.group_of_row) {
            let next = &mut self.counts[*group as usize];
            sorted[*next as usize] = row;
            *next += 1;
        }
        let sorted = UInt32Array::from(sorted);
        Some(ranges.into_iter().map(|(group, start, length)| (group, sorted.slice(start, length))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::RowGroups;

    fn check(groups: &mut RowGroups, rows: &[u32], expected: Option<&[(u32, &[u32])]>) {
        let found = groups.sort(rows.iter().copied()).map(|found| {
            found.iter().map(|(group, rows)| (*group, rows.values().to_vec())).collect::<Vec<_>>()
        });
        let expected =
            expected.map(|all| all.iter().map(|(group, rows)| (*group, rows.to_vec())).collect::<Vec<_>>());
        assert_eq!(found, expected, "{rows:?}");
    }

    #[test]
    fn rows_are_grouped_in_order_and_keep_their_order() {
        let mut groups = RowGroups::new(4);
        check(&mut groups, &[3, 0, 3, 1, 0], Some(&[(0, &[1, 4]), (1, &[3]), (3, &[0, 2])]));
        check(&mut groups, &[2, 2], Some(&[(2, &[0, 1])]));
        check(&mut groups, &[], Some(&[]));
    }

    #[test]
    fn a_group_that_does_not_exist_is_told() {
        check(&mut RowGroups::new(2), &[0, 2], None);
    }
}
