//! `gristmill tpch`, and the same for whoever needs TPC-H data.

use crate::app::App;
use crate::args::TpchArgs;
use crate::format::Format;
use crate::progress::watch;
use crate::stop::{Outcome, Stop};
use crate::tpch::{Progress, Request, Table, TableFiles, generate};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::{Code, Error, Result};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs `gristmill tpch`: prints one row per table.
pub(crate) async fn run(args: &TpchArgs, app: &mut App) -> Outcome {
    let location = Location::parse(&args.output)?;
    let stores = Stores::new(&app.config.s3, &app.config.write);
    let request = Request {
        scale: args.scale,
        tables: chosen(&args.tables),
        format: args.format.into(),
        partitions: args.partitions.get(),
        overwrite: args.overwrite,
        store: stores.reader(&location)?,
        location,
    };
    let written = generate_until_stopped(&request, app).await?;
    let table = as_table(&written)?;
    app.output.write(&table)
}

/// Generates with progress; a signal ends it without an unfinished file.
pub(crate) async fn generate_until_stopped(request: &Request, app: &App) -> Outcome<Vec<TableFiles>> {
    let progress = Progress::default();
    let cancel = CancellationToken::new();
    let work = watch(app.output.stderr(), "TPC-H data", &progress, generate(request, &progress, &cancel));
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        signal = app.interrupts.stopped() => {
            cancel.cancel();
            // Its error is the signal, as far as the user is concerned.
            work.await.ok();
            Err(Stop::Signal(signal))
        }
        written = &mut work => Ok(written?),
    }
}

/// The tables to generate, each once; all of them when none is named.
fn chosen(tables: &[Table]) -> Vec<Table> {
    Table::ALL.into_iter().filter(|table| tables.is_empty() || tables.contains(table)).collect()
}

fn as_table(written: &[TableFiles]) -> Result<Vec<u8>> {
    let text = |value: fn(&TableFiles) -> String| -> ArrayRef {
        Arc::new(written.iter().map(value).map(Some).collect::<StringArray>())
    };
    let number = |value: fn(&TableFiles) -> u64| -> ArrayRef {
        Arc::new(written.iter().map(value).collect::<UInt64Array>())
    };
    let batch = RecordBatch::try_from_iter([
        ("table", text(|table| table.table.name().to_owned())),
        ("files", number(|table| table.files)),
        ("rows", number(|table| table.rows)),
        ("bytes", number(|table| table.bytes)),
        ("location", text(|table| table.location.to_string())),
    ])
    .map_err(|error| Error::new(Code::Internal, "could not list the tables").with_source(error))?;
    let mut encoder = Format::Table.encoder(batch.schema())?;
    let mut buffer = Vec::new();
    encoder.encode(&batch, &mut buffer)?;
    encoder.finish(&mut buffer)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_generated_once_and_all_of_them_by_default() {
        assert_eq!(chosen(&[]), Table::ALL);
        assert_eq!(chosen(&[Table::Orders, Table::Nation, Table::Orders]), [Table::Nation, Table::Orders]);
    }
}
