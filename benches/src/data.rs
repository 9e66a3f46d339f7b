//! `benches data`: TPC-H data, made by `gristmill tpch`.

use crate::dataset::{Dataset, DatasetArgs};
use crate::report::say;
use gristmill_engine::{Code, Error, Result};
use std::ffi::OsString;
use std::process::ExitCode;

/// `benches data`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DatasetArgs,
}

/// Makes the data unless all of it is there.
///
/// # Errors
/// `Internal` when the generator fails, which says why by itself.
pub(crate) fn run(args: &Args) -> Result<()> {
    let dataset = Dataset::at(&args.data.dir, args.data.scale);
    if dataset.is_complete() {
        say(&format!("{} has all tables already", dataset.folder().display()));
        return Ok(());
    }
    // A file is there as a whole or not at all, so what an interrupted run left can be replaced without a loss.
    let arguments = ["gristmill", "tpch", "--overwrite", "--scale"].map(OsString::from);
    let scale = OsString::from(args.data.scale.to_string());
    let output = [OsString::from("--output"), dataset.folder().into()];
    if gristmill::main_with(arguments.into_iter().chain([scale]).chain(output)) == ExitCode::SUCCESS {
        return Ok(());
    }
    Err(Error::new(Code::Internal, format!("no data was made in \"{}\"", dataset.folder().display())))
}
