//! `gristmill training-set`: what its manifest says, whether that is still true, and what dead jobs left beside it.

mod gc;

use crate::app::App;
use crate::args::TrainingSetCommand;
use crate::report;
use crate::stop::Outcome;
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::training_set::TrainingSet;
use gristmill_engine::{Code, Error};
use indicatif::{HumanBytes, HumanCount};
use std::num::NonZero;
use std::path::Path;

/// Runs `gristmill training-set …`.
pub(crate) async fn run(command: &TrainingSetCommand, app: &mut App) -> Outcome {
    match command {
        TrainingSetCommand::Show(args) => {
            let set = open(&args.location.location, app).await?;
            let measured = app.interrupts.unless_stopped(set.statistics()).await??;
            match &args.html {
                None => app.output.write(report::text(&set, measured.as_ref()).as_bytes()),
                Some(file) => write_page(file, &report::page(&set, measured.as_ref())),
            }
        }
        TrainingSetCommand::Channels(args) => {
            let set = open(&args.location, app).await?;
            let text = serde_json::to_string_pretty(&set.channels()?).map_err(|error| {
                Error::new(Code::Internal, "could not write the channels as JSON").with_source(error)
            })?;
            app.output.line(&text)
        }
        TrainingSetCommand::Verify(args) => {
            let set = open(&args.location.location, app).await?;
            let parallelism = match args.parallelism {
                Some(count) => count.get() as usize,
                None => std::thread::available_parallelism().map_or(1, NonZero::get),
            };
            let report = app.interrupts.unless_stopped(set.verify(parallelism)).await??;
            for split in &set.manifest().splits {
                app.output.line(&format!(
                    "{:<12} {:>6} shards  {:>15} rows  {:>12}",
                    split.name,
                    split.shards,
                    HumanCount(split.rows).to_string(),
                    HumanBytes(split.bytes).to_string()
                ))?;
            }
            app.output.line(&format!("verified: {} shards, {}", report.shards, HumanBytes(report.bytes)))
        }
        TrainingSetCommand::Gc(args) => gc::run(args, app).await,
    }
}

async fn open(location: &str, app: &App) -> Outcome<TrainingSet> {
    let stores = Stores::new(&app.config.s3, &app.config.write);
    let location = Location::parse(location)?;
    Ok(app.interrupts.unless_stopped(TrainingSet::open(&stores, &location)).await??)
}

fn write_page(file: &Path, page: &str) -> Outcome {
    Ok(std::fs::write(file, page).map_err(|error| Error::from_io(error, file.display()))?)
}
