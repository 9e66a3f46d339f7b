//! Options of the statement itself, beside those of its format.

use crate::channels::TargetOptions;
use crate::config::ByteSize;
use crate::error::{Code, Error, Result};
use crate::expect;
use crate::plan::{Layout, PlanContext, input_files};
use crate::statement::CreateTrainingSet;
use crate::suggest;
use datafusion::logical_expr::LogicalPlan;
use std::collections::BTreeMap;

/// Their names.
pub(super) const OPTIONS: [&str; 10] = {
    let [algorithm, instances, distribution] = TargetOptions::NAMES;
    [
        "shards",
        "target_shard_bytes",
        "seed",
        "statistics",
        "undersample",
        "oversample",
        expect::ON_VIOLATION,
        algorithm,
        instances,
        distribution,
    ]
};
/// The largest number of shards of one split.
const MOST_SHARDS: u32 = 100_000;

pub(super) fn seed(create: &CreateTrainingSet, options: &mut BTreeMap<String, String>) -> Result<u64> {
    let option = take_number(options, "seed")?;
    match (create.shuffle.and_then(|shuffle| shuffle.seed), option) {
        (Some(_), Some(_)) => {
            Err(Error::new(Code::BadOption, "the seed is given twice: SHUFFLE SEED and option 'seed'"))
        }
        (seed, option) => Ok(seed.or(option).unwrap_or(0)),
    }
}

/// Whether the columns are measured on the way.
pub(super) fn statistics(options: &mut BTreeMap<String, String>) -> Result<bool> {
    let Some(text) = options.remove("statistics") else { return Ok(true) };
    text.trim().to_ascii_lowercase().parse().map_err(|error| {
        Error::new(Code::BadOption, format!("option 'statistics' takes true or false, found \"{text}\""))
            .with_source(error)
    })
}

/// `'shards'` and `'target_shard_bytes'`.
pub(super) struct ShardOptions {
    shards: Option<u32>,
    target_bytes: u64,
    /// The number of shards is a multiple of it.
    instances: u32,
}

impl ShardOptions {
    pub(super) fn take(options: &mut BTreeMap<String, String>, default_bytes: u64) -> Result<Self> {
        let shards = match take_number(options, "shards")? {
            None => None,
            Some(shards) => match u32::try_from(shards) {
                Ok(shards @ 1..=MOST_SHARDS) => Some(shards),
                _ => {
                    let message = format!("option 'shards' is {shards}");
                    return Err(Error::new(Code::BadOption, message).with_hint(format!("1 to {MOST_SHARDS}")));
                }
            },
        };
        let target_bytes = match options.remove("target_shard_bytes") {
            None => default_bytes,
            Some(text) => text
                .parse::<ByteSize>()
                .map_err(|error| error.context("option 'target_shard_bytes'"))?
                .bytes()
                .max(1),
        };
        Ok(Self { shards, target_bytes, instances: 1 })
    }

    /// The same for a training job of so many instances, each of which reads as many shards as the others.
    ///
    /// # Errors
    /// `BadOption` when the number of shards was given and is no multiple.
    pub(super) fn for_instances(self, instances: u32) -> Result<Self> {
        match self.shards {
            Some(shards) if shards % instances != 0 => {
                let message =
                    format!("option 'shards' is {shards}, no multiple of the {instances} instances");
                let next = shards.next_multiple_of(instances);
                Err(Error::new(Code::BadOption, message)
                    .with_hint(format!("use 'shards' '{next}', so that every instance reads as many")))
            }
            _ => Ok(Self { instances, ..self }),
        }
    }

    pub(super) async fn layout(
        &self,
        context: &PlanContext<'_>,
        create: &CreateTrainingSet,
        plan: &LogicalPlan,
        splits: usize,
    ) -> Result<Layout> {
        let shuffled = create.shuffle.is_some();
        let shards = match self.shards {
            Some(shards) => shards,
            None if !shuffled && self.instances == 1 => {
                return Ok(Layout::Rolling { target_bytes: self.target_bytes });
            }
            None => {
                let bytes = input_files(context.state, plan).await?.total_bytes();
                let shards = u32::try_from(bytes.div_ceil(self.target_bytes)).unwrap_or(MOST_SHARDS);
                shards.clamp(1, MOST_SHARDS - self.instances).next_multiple_of(self.instances)
            }
        };
        let open = splits.saturating_mul(shards as usize);
        Ok(Layout::Sharded { shards, ordered: shuffled || open > context.write.open_shards, shuffled })
    }
}

fn take_number(options: &mut BTreeMap<String, String>, key: &str) -> Result<Option<u64>> {
    let Some(text) = options.remove(key) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|error| {
        Error::new(Code::BadOption, format!("option '{key}' takes a whole number, found \"{text}\""))
            .with_source(error)
    })
}

/// Refuses options that are left because nothing has taken them; the hint suggests one of `known`.
pub(in crate::plan) fn refuse_unknown(options: &BTreeMap<String, String>, known: &[&str]) -> Result<()> {
    let Some(key) = options.keys().next() else { return Ok(()) };
    let error = Error::new(Code::BadOption, format!("unknown option '{key}'"));
    Err(match suggest::hint(key, known) {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}
