//! `gristmill demo`: data, a job, and a training set, in one folder that a user can look into.
//!
//! Only what a demo made is ever replaced: the job's file, written first, marks the folder as one.

use crate::app::App;
use crate::args::DemoArgs;
use crate::format::Format;
use crate::script::Script;
use crate::statements::Runner;
use crate::stop::Outcome;
use crate::target::Target;
use crate::tpch::{FileFormat, Request, Table, TableFiles};
use crate::tpch_command::generate_until_stopped;
use gristmill_engine::storage::{Location, Stores};
use gristmill_engine::training_set::TrainingSet;
use gristmill_engine::{Code, Error, Result};
use indicatif::{HumanBytes, HumanCount};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const JOB: &str = include_str!("../../examples/late_delivery.sql");
/// The folder that [`JOB`] names.
const JOB_FOLDER: &str = "gristmill-demo";

/// Runs `gristmill demo`.
pub(crate) async fn run(args: &DemoArgs, app: &mut App) -> Outcome {
    let places = Places::new(&args.dir)?;
    places.make(args.overwrite)?;
    let tables = make_data(&places, args.scale, app).await?;
    show_data(&places, &tables, app)?;
    run_job(&places, app).await?;
    let set = open_training_set(&places, app).await?;
    check_sum(&set, &tables)?;
    show_summary(&places, &set, app)
}

/// What lies where in the demo's folder.
struct Places {
    /// As the user wrote it, so that what is printed can be typed.
    dir: String,
    data: PathBuf,
    job: PathBuf,
    training_set: PathBuf,
}

impl Places {
    fn new(dir: &Path) -> Result<Self> {
        let text = dir.to_str().filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::new(Code::BadOption, format!("cannot use the folder \"{}\"", dir.display()))
                .with_hint("its name must be UTF-8 text")
        })?;
        Ok(Self {
            dir: text.trim_end_matches('/').to_owned(),
            data: dir.join("data"),
            job: dir.join("late_delivery.sql"),
            training_set: dir.join("late_delivery"),
        })
    }

    /// Makes the folder, with the job in it and room for the rest.
    fn make(&self, overwrite: bool) -> Result<()> {
        let dir = Path::new(&self.dir);
        if dir.exists() {
            let error = Error::new(Code::LocationNotEmpty, format!("\"{}\" already exists", self.dir));
            if !self.job.is_file() {
                return Err(error.with_hint("it was not made by a demo: choose another one with --dir"));
            }
            if !overwrite {
                return Err(
                    error.with_hint("add --overwrite to replace it, or choose another one with --dir")
                );
            }
        }
        for old in [&self.training_set, &self.data] {
            if old.exists() {
                fs::remove_dir_all(old).map_err(|error| Error::from_io(error, old.display()))?;
            }
        }
        fs::create_dir_all(dir).map_err(|error| Error::from_io(error, dir.display()))?;
        fs::write(&self.job, self.job_text()).map_err(|error| Error::from_io(error, self.job.display()))
    }

    /// The job, reading from and writing to this folder.
    fn job_text(&self) -> String {
        let quoted = self.dir.replace('\'', "''");
        JOB.replace(&format!("'{JOB_FOLDER}/"), &format!("'{quoted}/"))
    }
}

async fn make_data(places: &Places, scale: f64, app: &App) -> Outcome<Vec<TableFiles>> {
    app.output.stderr().note(&format!("generating TPC-H data at scale {scale}"));
    let location = Location::parse(&places.data.to_string_lossy())?;
    let stores = Stores::new(&app.config.s3, &app.config.write);
    let request = Request {
        scale,
        tables: Table::ALL.to_vec(),
        format: FileFormat::Parquet,
        partitions: 1,
        overwrite: true,
        store: stores.reader(&location)?,
        location,
    };
    generate_until_stopped(&request, app).await
}

fn show_data(places: &Places, tables: &[TableFiles], app: &mut App) -> Outcome {
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let bytes: u64 = tables.iter().map(|table| table.bytes).sum();
    app.output.line(&format!(
        "data          {}: {} tables, {} rows, {}",
        places.data.display(),
        tables.len(),
        HumanCount(rows),
        HumanBytes(bytes)
    ))?;
    app.output.line(&format!("job           {}", places.job.display()))?;
    app.output.line(&format!("training set  {}", places.training_set.display()))?;
    app.output.flush()
}

/// Runs the job in this process and prints its result: a row per split.
async fn run_job(places: &Places, app: &mut App) -> Outcome {
    let script = Script::parse(&places.job.to_string_lossy(), &places.job_text())?;
    app.output.stderr().note("running the job");
    let runner = Runner {
        target: Target::open(Arc::clone(&app.config), Some("")).await?,
        format: Format::Table,
        interrupts: &app.interrupts,
    };
    runner.run_script(&script, &mut app.output).await
}

async fn open_training_set(places: &Places, app: &App) -> Result<TrainingSet> {
    let stores = Stores::new(&app.config.s3, &app.config.write);
    TrainingSet::open(&stores, &Location::parse(&places.training_set.to_string_lossy())?).await
}

/// Every row of `lineitem` has exactly one order, part and supplier: the splits together must have as many rows.
fn check_sum(set: &TrainingSet, tables: &[TableFiles]) -> Result<()> {
    let expected = tables.iter().find(|table| table.table == Table::Lineitem).map_or(0, |table| table.rows);
    let found: u64 = set.manifest().splits.iter().map(|split| split.rows).sum();
    if found == expected {
        return Ok(());
    }
    let message = format!("the splits have {found} rows together, lineitem has {expected}");
    Err(Error::new(Code::Internal, message))
}

fn show_summary(places: &Places, set: &TrainingSet, app: &mut App) -> Outcome {
    let splits = &set.manifest().splits;
    let parts: Vec<String> =
        splits.iter().map(|split| format!("{} {}", HumanCount(split.rows), split.name)).collect();
    let total: u64 = splits.iter().map(|split| split.rows).sum();
    let first_shard = set.manifest().shards.iter().find(|shard| shard.split == "train");
    let first_shard = first_shard.map_or("train/*", |shard| shard.path.as_str());
    let program = shell_word(&app.program);
    let text = format!(
        "{} = {} rows, every row of lineitem once\n\n\
         Next:\n  \
         {program} training-set verify {training_set}\n  \
         {program} training-set show {training_set}\n  \
         {program} training-set channels {training_set}\n  \
         head -3 {training_set}/{first_shard}",
        parts.join(" + "),
        HumanCount(total),
        training_set = shell_word(&places.training_set.to_string_lossy()),
    );
    app.output.line(&text)
}

/// `text` as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+=:,@".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_reads_and_writes_only_in_its_folder() {
        let text = Places::new(Path::new("/tmp/it's/")).unwrap().job_text();
        let script = Script::parse("job", &text).unwrap();
        assert_eq!(script.statements.len(), 6);
        assert_eq!(text.matches("'/tmp/it''s/").count(), 6);
        assert!(!text.contains(&format!("'{JOB_FOLDER}")));
    }

    #[test]
    fn a_folder_that_no_demo_made_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path()).unwrap();
        fs::create_dir(&places.data).unwrap();
        assert_eq!(places.make(true).unwrap_err().code(), Code::LocationNotEmpty);
        assert!(places.data.exists());
    }

    #[test]
    fn an_earlier_demo_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(&folder.path().join("demo")).unwrap();
        places.make(false).unwrap();
        assert_eq!(places.make(false).unwrap_err().code(), Code::LocationNotEmpty);
        places.make(true).unwrap();
    }

    #[test]
    fn paths_are_quoted_for_shells_only_where_they_must_be() {
        assert_eq!(shell_word("gristmill-demo/late_delivery"), "gristmill-demo/late_delivery");
        assert_eq!(shell_word("my demo's"), "'my demo'\\''s'");
    }
}
