//! Polars' CSV writer on the same rows, which it reads by itself.

use super::csv::Sink;
use super::{Sample, Timed, broken};
use gristmill_engine::{Error, Result};
use polars::prelude::{CsvWriter, DataFrame, ParquetReader, SerReader, SerWriter};
use std::fs::File;

/// Encodes the columns of a group, in one thread.
pub(super) fn time_csv(sample: &Sample, names: &[&str]) -> Result<Timed> {
    let mut frame = load(sample, names)?;
    sample.time("Polars", || {
        let mut sink = Sink::new();
        CsvWriter::new(&mut sink).include_header(false).n_threads(1).finish(&mut frame).map_err(broken)?;
        Ok(sink.bytes())
    })
}

/// As many rows from the start of the file as the sample has: they are the same ones.
fn load(sample: &Sample, names: &[&str]) -> Result<DataFrame> {
    let file = File::open(&sample.file).map_err(|error| Error::from_io(error, sample.file.display()))?;
    let columns = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let rows = usize::try_from(sample.rows).unwrap_or(usize::MAX);
    ParquetReader::new(file)
        .with_columns((!columns.is_empty()).then_some(columns))
        .with_slice(Some((0, rows)))
        .finish()
        .map_err(broken)
}
