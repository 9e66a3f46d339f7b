//! Options that say which training job a set is for.

use super::AUGMENTED_MANIFEST;
use super::algorithm::{Algorithm, Labels, Sharing};
use crate::error::{Code, Error, Result};
use gristmill_proto::manifest::{Distribution, Training};
use std::collections::BTreeMap;

/// The most instances of one training job: SageMaker's quota.
const MOST_INSTANCES: u32 = 10_000;

/// `'algorithm'`, `'instances'` and `'distribution'`.
#[derive(Debug)]
pub(crate) struct TargetOptions {
    algorithm: Option<&'static Algorithm>,
    instances: u32,
    distribution: Option<Distribution>,
}

/// What the options are about to be held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The format's name, as `STORED AS` spells it.
    pub(crate) format: &'a str,
    /// How many target columns there are.
    pub(crate) labels: usize,
    /// The number of shards of each split, where it is fixed.
    pub(crate) shards: Option<u32>,
}

impl TargetOptions {
    /// Their names.
    pub(crate) const NAMES: [&str; 3] = ["algorithm", "instances", "distribution"];

    /// Takes them out of a statement's options.
    ///
    /// # Errors
    /// `Unsupported` for an unknown algorithm, `BadOption` for other values that are none.
    pub(crate) fn take(options: &mut BTreeMap<String, String>) -> Result<Self> {
        let algorithm = options.remove("algorithm").map(|name| Algorithm::parse(&name)).transpose()?;
        let instances = match options.remove("instances") {
            None => 1,
            Some(text) => match text.trim().parse() {
                Ok(instances @ 1..=MOST_INSTANCES) => instances,
                _ => {
                    let message =
                        format!("option 'instances' has the value '{text}': not a number of instances");
                    return Err(Error::new(Code::BadOption, message)
                        .with_hint(format!("write a whole number from 1 to {MOST_INSTANCES}")));
                }
            },
        };
        let distribution =
            options.remove("distribution").map(|text| parse_distribution(&text)).transpose()?;
        Ok(Self { algorithm, instances, distribution })
    }

    /// What the number of shards is to be a multiple of: the instances, where each reads shards of its own.
    pub(crate) fn readers(&self) -> u32 {
        if self.algorithm.is_some_and(|algorithm| algorithm.one_file) { 1 } else { self.instances }
    }

    /// The algorithm, if one is named.
    pub(super) fn algorithm(&self) -> Option<&'static Algorithm> {
        self.algorithm
    }

    /// What the manifest says about it.
    ///
    /// # Errors
    /// `BadOption` when the algorithm cannot read such a set, naming both, with what would do as the hint.
    pub(crate) fn resolve(&self, target: Target<'_>) -> Result<Training> {
        self.check_one_file(target)?;
        if let Some(algorithm) = self.algorithm {
            self.check_algorithm(algorithm, target)?;
        }
        Ok(Training {
            algorithm: self.algorithm.map(|algorithm| algorithm.name.to_owned()),
            instances: self.instances,
            distribution: self.distribution(),
            deals_out_every_split: self.algorithm.is_some_and(|algorithm| algorithm.deals_out_every_split),
        })
    }

    fn distribution(&self) -> Distribution {
        let by_default = match self.algorithm.map(|algorithm| algorithm.sharing) {
            _ if self.algorithm.is_some_and(|algorithm| algorithm.one_file) => Distribution::FullyReplicated,
            Some(Sharing::PartsOnly) => Distribution::ShardedByS3Key,
            Some(Sharing::Either) if self.instances > 1 => Distribution::ShardedByS3Key,
            _ => Distribution::FullyReplicated,
        };
        self.distribution.unwrap_or(by_default)
    }

    fn check_algorithm(&self, algorithm: &Algorithm, target: Target<'_>) -> Result<()> {
        let name = algorithm.name;
        let refuse = |what: String, hint: String| Err(Error::new(Code::BadOption, what).with_hint(hint));
        if !algorithm.formats.contains(&target.format) {
            let formats = algorithm.formats.join(" or STORED AS ");
            return refuse(
                format!("algorithm {name} does not read {}", target.format),
                format!("use STORED AS {formats}"),
            );
        }
        let (fits, wants) = match algorithm.labels {
            Labels::None => (target.labels == 0, "no LABEL"),
            Labels::One => (target.labels == 1, "a LABEL of one column"),
            Labels::OneOrMore => (target.labels > 0, "a LABEL of one column or more"),
            Labels::Any => (true, ""),
        };
        if !fits {
            let what =
                format!("algorithm {name} wants {wants}, the statement has {} label columns", target.labels);
            return refuse(what, format!("write {wants}"));
        }
        if algorithm.sharing == Sharing::OneInstance && self.instances > 1 {
            let what =
                format!("algorithm {name} trains on one instance, option 'instances' is {}", self.instances);
            return refuse(what, "leave 'instances' out".to_owned());
        }
        if algorithm.sharing == Sharing::PartsOnly && self.distribution() == Distribution::FullyReplicated {
            let what = format!("algorithm {name} does not train on data that every instance has in full");
            return refuse(what, "use 'distribution' 'ShardedByS3Key', or leave it out".to_owned());
        }
        if algorithm.one_file && target.shards != Some(1) {
            let what = format!("algorithm {name} reads one file a channel");
            return refuse(what, "use OPTIONS ('shards' '1')".to_owned());
        }
        Ok(())
    }

    fn check_one_file(&self, target: Target<'_>) -> Result<()> {
        if target.format == AUGMENTED_MANIFEST && target.shards != Some(1) {
            let what = format!("a channel of {AUGMENTED_MANIFEST} is one file");
            return Err(Error::new(Code::BadOption, what).with_hint("use OPTIONS ('shards' '1')"));
        }
        Ok(())
    }
}

fn parse_distribution(text: &str) -> Result<Distribution> {
    for known in [Distribution::FullyReplicated, Distribution::ShardedByS3Key] {
        if text.trim().eq_ignore_ascii_case(&format!("{known:?}")) {
            return Ok(known);
        }
    }
    let message = format!("option 'distribution' has the value '{text}': not a distribution");
    Err(Error::new(Code::BadOption, message).with_hint("write 'FullyReplicated' or 'ShardedByS3Key'"))
}
