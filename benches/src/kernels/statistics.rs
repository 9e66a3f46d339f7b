//! Statistics of columns, and what share they are of encoding the same values as CSV.

use super::{COLUMN_GROUPS, KernelResult, Sample, csv};
use crate::table::Table;
use arrow::array::RecordBatch;
use gristmill_engine::Result;
use gristmill_engine::statistics::ShardAccumulator;
use std::hint::black_box;

/// Every group of columns: statistics, then CSV.
pub(super) fn measure(sample: &Sample) -> Result<Vec<KernelResult>> {
    let mut results = Vec::new();
    for (columns, names) in COLUMN_GROUPS {
        let batches = sample.project(names)?;
        let by = vec![
            sample.time("statistics", || take(&batches))?,
            sample.time("CSV", || csv::encode(&batches))?,
        ];
        results.push(KernelResult {
            kernel: "statistics",
            columns,
            rows: sample.rows,
            values: sample.values(names),
            by,
        });
    }
    Ok(results)
}

fn take(batches: &[RecordBatch]) -> Result<u64> {
    let Some(first) = batches.first() else { return Ok(0) };
    let mut accumulator = ShardAccumulator::new(&first.schema(), 0);
    batches.iter().try_for_each(|batch| accumulator.push(batch))?;
    Ok(black_box(accumulator.finish().to_bytes()).len() as u64)
}

/// A row per group.
pub(super) fn table(results: &[KernelResult]) -> Table {
    let mut table =
        Table::new("statistics of columns, per core", ["columns", "ns/value", "(min)", "of CSV's time"]);
    for result in results {
        let [Some(own), Some(csv)] = [0, 1].map(|index| result.by.get(index)) else { continue };
        let [ns, ns_min] = own.ns(result.values);
        let share = format!("{:.0}%", own.median() / csv.median() * 100.0);
        table.push(vec![result.columns.to_owned(), ns, ns_min, share]);
    }
    table
}
