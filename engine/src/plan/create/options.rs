//! Options of the statement itself, beside those of its format.

use super::shard_balance::{Deal, ShardBalance, fits_one_shard};
use super::splits::Splits;
use crate::channels::TargetOptions;
use crate::config::ByteSize;
use crate::error::{Code, Error, Result};
use crate::expect;
use crate::formats::FormatKind;
use crate::plan::placement::ShardBy;
use crate::plan::{InputSize, Layout, PlanContext, input_size};
use crate::statement::CreateTrainingSet;
use crate::suggest;
use datafusion::logical_expr::LogicalPlan;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Their names.
pub(super) const OPTIONS: [&str; 11] = {
    let [algorithm, instances, distribution] = TargetOptions::NAMES;
    [
        "shards",
        "target_shard_bytes",
        "balance",
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
    let option = take_number(options, "seed", &(0..=u64::MAX))?;
    match (create.shuffle.and_then(|shuffle| shuffle.seed), option) {
        (Some(_), Some(_)) => {
            let message = "the seed is given twice: SHUFFLE SEED and option 'seed'";
            Err(Error::new(Code::BadOption, message).with_hint("leave one of them out"))
        }
        (seed, option) => Ok(seed.or(option).unwrap_or(0)),
    }
}

/// Whether the columns are measured on the way.
pub(super) fn statistics(options: &mut BTreeMap<String, String>) -> Result<bool> {
    let Some(text) = options.remove("statistics") else { return Ok(true) };
    text.trim().to_ascii_lowercase().parse().map_err(|error| {
        Error::new(Code::BadOption, format!("option 'statistics' takes true or false, found \"{text}\""))
            .with_hint("'false' writes no statistics; leave the option out to have them")
            .with_source(error)
    })
}

/// `'shards'`, `'target_shard_bytes'` and `'balance'`.
pub(super) struct ShardOptions {
    shards: Option<u32>,
    balance: Option<ShardBalance>,
    target_bytes: Option<u64>,
    /// The size of a shard where nothing is said.
    default_bytes: u64,
    /// The number of shards is a multiple of it.
    instances: u32,
}

impl ShardOptions {
    pub(super) fn take(options: &mut BTreeMap<String, String>, default_bytes: u64) -> Result<Self> {
        let shards = take_number(options, "shards", &(1..=u64::from(MOST_SHARDS)))?;
        let shards = shards.and_then(|shards| u32::try_from(shards).ok());
        let target_bytes = match options.remove("target_shard_bytes") {
            None => None,
            Some(text) => {
                let parsed = text.parse::<ByteSize>();
                let bytes = parsed.map_err(|error| error.context("option 'target_shard_bytes'"))?.bytes();
                Some(bytes.max(1))
            }
        };
        let balance = ShardBalance::take(options)?;
        Ok(Self { shards, balance, target_bytes, default_bytes, instances: 1 })
    }

    /// The same for a training job: as many shards for each instance as for the others, and one where a channel is one
    /// file and nothing is said of shards.
    ///
    /// # Errors
    /// `BadOption` when the number of shards was given and is no multiple of the instances.
    pub(super) fn for_job(self, target: &TargetOptions, format: FormatKind) -> Result<Self> {
        let is_silent = self.shards.is_none() && self.target_bytes.is_none();
        let shards = if is_silent && target.is_one_file(format) { Some(1) } else { self.shards };
        let instances = target.readers(format);
        match shards {
            Some(shards) if shards % instances != 0 => {
                let message =
                    format!("option 'shards' is {shards}, no multiple of the {instances} instances");
                let next = shards.next_multiple_of(instances);
                Err(Error::new(Code::BadOption, message)
                    .with_hint(format!("use 'shards' '{next}', so that every instance reads as many")))
            }
            _ => Ok(Self { shards, instances, ..self }),
        }
    }

    fn target_bytes(&self) -> u64 {
        self.target_bytes.unwrap_or(self.default_bytes)
    }

    /// The layout of the rows of `source`, and what decides the shard of a row.
    ///
    /// # Errors
    /// `BadOption` for a balance without a number of shards; those of planning.
    pub(super) async fn layout(
        &self,
        context: &PlanContext<'_>,
        create: &CreateTrainingSet,
        source: ShardedRows<'_>,
    ) -> Result<(Layout, ShardBy)> {
        let shuffled = create.shuffle.is_some() || source.grouped;
        let balance = match self.balance {
            Some(ShardBalance::Exact) if source.grouped => return Err(torn_groups()),
            _ if source.grouped => ShardBalance::Hash,
            given => given.unwrap_or(ShardBalance::Auto),
        };
        let size = async || input_size(context.state, source.plan).await;
        let (shards, input) = match self.shards {
            Some(shards) if balance.depends_on_input(shards) => (shards, size().await?),
            Some(shards) => (shards, InputSize::default()),
            None if !shuffled && self.instances == 1 && balance != ShardBalance::Exact => {
                let (rolling, input) = (self.rolling()?, size().await?);
                if self.target_bytes.is_some() || !fits_one_shard(&input, source.copies) {
                    return Ok((rolling, ShardBy::Hash));
                }
                (1, input)
            }
            None => {
                let input = size().await?;
                let shards = u32::try_from(input.bytes.div_ceil(self.target_bytes())).unwrap_or(MOST_SHARDS);
                (shards.clamp(1, MOST_SHARDS - self.instances).next_multiple_of(self.instances), input)
            }
        };
        let deal = Deal::new(shards, &source, create.sample, context.write.open_shards)?;
        let open = source.splits.names.len().saturating_mul(shards as usize);
        let ordered = shuffled || open > context.write.open_shards;
        let layout = Layout::Sharded { shards, ordered, shuffled };
        Ok(match balance.resolve(deal, &input) {
            _ if source.grouped => (layout, ShardBy::Group),
            ShardBy::Rank => (Layout::Sharded { shards, ordered: false, shuffled: true }, ShardBy::Rank),
            by => (layout, by),
        })
    }

    fn rolling(&self) -> Result<Layout> {
        match self.balance {
            Some(ShardBalance::Hash) => {
                let message = "option 'balance' is 'hash', and there is no number of shards";
                Err(Error::new(Code::BadOption, message)
                    .with_hint("give 'shards' or SHUFFLE, or leave 'balance' out"))
            }
            _ => Ok(Layout::Rolling { target_bytes: self.target_bytes() }),
        }
    }
}

/// What is dealt out to shards.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardedRows<'a> {
    pub(super) plan: &'a LogicalPlan,
    pub(super) splits: &'a Splits,
    /// How often a row is there at most.
    pub(super) copies: f64,
    /// Whether the rows of a group stay together.
    pub(super) grouped: bool,
}

fn torn_groups() -> Error {
    let message = "option 'balance' is 'exact', which would tear groups apart";
    Error::new(Code::BadOption, message)
        .with_hint("leave 'balance' out: with option 'group' whole groups go to shards, by their hash")
}

fn take_number(
    options: &mut BTreeMap<String, String>,
    key: &str,
    allowed: &RangeInclusive<u64>,
) -> Result<Option<u64>> {
    let Some(text) = options.remove(key) else { return Ok(None) };
    match text.trim().parse() {
        Ok(number) if allowed.contains(&number) => Ok(Some(number)),
        _ => {
            let message = format!("option '{key}' takes a whole number, found \"{text}\"");
            let hint = format!("{} to {}; or leave the option out", allowed.start(), allowed.end());
            Err(Error::new(Code::BadOption, message).with_hint(hint))
        }
    }
}

/// Refuses options that are left because nothing has taken them; the hint suggests one of `known`.
pub(in crate::plan) fn refuse_unknown(options: &BTreeMap<String, String>, known: &[&str]) -> Result<()> {
    let Some(key) = options.keys().next() else { return Ok(()) };
    let error = Error::new(Code::BadOption, format!("unknown option '{key}'"));
    let name = key.strip_prefix("format.").unwrap_or(key);
    Err(match suggest::hint(name, known) {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}
