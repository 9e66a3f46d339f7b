//! `gristmill training-set`: what its manifest says, and whether that is still true.

use crate::app::App;
use crate::args::TrainingSetCommand;
use crate::stop::Outcome;
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::training_set::TrainingSet;
use gristmill_engine::{Code, Error};
use indicatif::{HumanBytes, HumanCount};
use std::num::NonZero;

/// Runs `gristmill training-set …`.
pub(crate) async fn run(command: &TrainingSetCommand, app: &mut App) -> Outcome {
    match command {
        TrainingSetCommand::Show(args) => {
            let set = open(&args.location, app).await?;
            app.output.write(columns(&set.describe()).as_bytes())
        }
        TrainingSetCommand::Channels(args) => {
            let set = open(&args.location, app).await?;
            let text = serde_json::to_string_pretty(&set.channels()).map_err(|error| {
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
    }
}

async fn open(location: &str, app: &App) -> Outcome<TrainingSet> {
    let stores = Stores::new(&app.config.s3, &app.config.write);
    let location = Location::parse(location)?;
    Ok(app.interrupts.unless_stopped(TrainingSet::open(&stores, &location)).await??)
}

/// Names and values as two columns; a value of several lines is indented below its name.
fn columns(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in facts {
        let indent = format!("\n{:width$}  ", "");
        text.push_str(&format!("{name:width$}  {}", value.lines().collect::<Vec<_>>().join(&indent)));
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn values_are_aligned_and_long_ones_indented() {
        let facts = [("name", "a"), ("statement", "SELECT 1\nFROM t"), ("label", "")];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(columns(&facts), "name       a\nstatement  SELECT 1\n           FROM t\nlabel\n");
    }
}
