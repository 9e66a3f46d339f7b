//! Encoding CSV: ours, arrow's and Polars'.

use super::{COLUMN_GROUPS, KernelResult, Sample, Timed, broken};
use crate::table::{Table, mb_per_s, ratio};
use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use gristmill_engine::Result;
use gristmill_engine::formats::{Columns, Compression, CsvOptions, Delimiter, FormatOptions, format};
use std::io::{self, Write};

/// Encoded bytes are dropped in pieces of this size, that in which a shard hands them over: they stay in the cache.
const PIECE_BYTES: usize = 512 * 1024;

/// Every group of columns by every implementation.
pub(super) fn measure(sample: &Sample) -> Result<Vec<KernelResult>> {
    let mut results = Vec::new();
    for (columns, names) in COLUMN_GROUPS {
        let batches = sample.project(names)?;
        let by = vec![
            sample.time("gristmill", || encode(&batches))?,
            sample.time("arrow", || encode_with_arrow(&batches))?,
            #[cfg(feature = "polars")]
            super::polars::time_csv(sample, names)?,
        ];
        results.push(KernelResult {
            kernel: "csv",
            columns,
            rows: sample.rows,
            values: sample.values(names),
            by,
        });
    }
    Ok(results)
}

pub(super) fn encode(batches: &[RecordBatch]) -> Result<u64> {
    let Some(first) = batches.first() else { return Ok(0) };
    let options = FormatOptions::Csv(CsvOptions {
        header: false,
        delimiter: Delimiter::COMMA,
        compression: Compression::None,
        categorical: Vec::new(),
    });
    let mut encoder = format(&options).encoder(&Columns::features_only(first.schema()))?;
    let mut sink = Sink::new();
    for batch in batches {
        encoder.encode(batch, &mut sink.piece)?;
        sink.drop_full_piece();
    }
    encoder.finish(&mut sink.piece)?;
    Ok(sink.bytes())
}

fn encode_with_arrow(batches: &[RecordBatch]) -> Result<u64> {
    let mut sink = Sink::new();
    let mut writer = WriterBuilder::new().with_header(false).build(&mut sink);
    for batch in batches {
        writer.write(batch).map_err(broken)?;
    }
    drop(writer);
    Ok(sink.bytes())
}

/// Holds one piece of bytes, and counts those that it has dropped.
#[derive(Debug)]
pub(super) struct Sink {
    piece: Vec<u8>,
    dropped: usize,
}

impl Sink {
    pub(super) fn new() -> Self {
        Self { piece: Vec::with_capacity(4 * PIECE_BYTES), dropped: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.dropped + self.piece.len()) as u64
    }

    fn drop_full_piece(&mut self) {
        if self.piece.len() >= PIECE_BYTES {
            self.dropped += self.piece.len();
            self.piece.clear();
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        self.drop_full_piece();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A row per group and implementation; ratios are of times, ours to theirs.
pub(super) fn table(results: &[KernelResult]) -> Table {
    let mut table = Table::new(
        "CSV, per core",
        ["columns", "by", "MB/s out", "ns/value", "(min)", "bytes/value", "gristmill to it"],
    );
    for result in results {
        let own = result.by.first().map_or(f64::NAN, Timed::median);
        for (index, timed) in result.by.iter().enumerate() {
            let [ns, ns_min] = timed.ns(result.values);
            table.push(vec![
                result.columns.to_owned(),
                timed.by.to_owned(),
                mb_per_s(timed.bytes as f64, timed.median()),
                ns,
                ns_min,
                format!("{:.1}", timed.bytes as f64 / result.values as f64),
                if index == 0 { String::new() } else { ratio(own, timed.median()) },
            ]);
        }
    }
    table
}
