//! Options that say which training job a set is for.

use super::algorithm::{Algorithm, Job, Labels, Sharing};
use super::column_rule::ColumnRule;
use crate::error::{Code, Error, Result};
use crate::formats::{
    ColumnRoles, Columns, FormatDefaults, FormatKind, JsonExtension, JsonTimestamps, MissingLabels, Role,
};
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
    pub(crate) format: FormatKind,
    /// How many target columns there are.
    pub(crate) labels: usize,
    /// The column that weighs the rows, if there is one.
    pub(crate) weight: Option<&'a str>,
    /// The number of shards of each split, where it is fixed.
    pub(crate) shards: Option<u32>,
}

impl<'a> Target<'a> {
    /// Of a format that holds those columns.
    pub(crate) fn of(format: FormatKind, columns: &'a Columns, shards: Option<u32>) -> Self {
        let weight = columns.of(Role::Weight).map(|field| field.name().as_str());
        Self { format, labels: columns.labels().len(), weight, shards }
    }
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

    /// What the algorithm wants of its format where the statement is silent.
    pub(crate) fn format_defaults(&self) -> FormatDefaults {
        let defaults = FormatDefaults::TRAINING_SET;
        match self.algorithm {
            Some(algorithm) if algorithm.job == Job::AutoMl => {
                FormatDefaults { csv_header: true, ..defaults }
            }
            Some(algorithm) if algorithm.columns == ColumnRule::TimeSeries => FormatDefaults {
                json_extension: JsonExtension::Json,
                json_timestamps: JsonTimestamps::Sql,
                ..defaults
            },
            _ => defaults,
        }
    }

    /// Whether a channel is one file: to the algorithm, or as SageMaker reads the format.
    pub(crate) fn is_one_file(&self, format: FormatKind) -> bool {
        format == FormatKind::AugmentedManifest || self.algorithm.is_some_and(|algorithm| algorithm.one_file)
    }

    /// What the number of shards is to be a multiple of: the instances, where each reads shards of its own.
    pub(crate) fn readers(&self, format: FormatKind) -> u32 {
        if self.is_one_file(format) { 1 } else { self.instances }
    }

    /// The roles of a statement's columns. Of algorithms that learn from labels none takes a null one for what it is.
    pub(crate) fn roles(&self, named: ColumnRoles) -> ColumnRoles {
        let missing_labels = match self.algorithm.map(|algorithm| algorithm.labels) {
            Some(Labels::One | Labels::OneOrMore) => MissingLabels::Refused,
            Some(Labels::None | Labels::Any) | None => MissingLabels::Kept,
        };
        ColumnRoles { missing_labels, ..named }
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
        let mut weight = None;
        if let Some(algorithm) = self.algorithm {
            check_target(algorithm, target)?;
            self.check_instances(algorithm, target.format)?;
            weight = target.weight.filter(|_| algorithm.job == Job::AutoMl);
        }
        self.check_one_file(target)?;
        Ok(Training {
            algorithm: self.algorithm.map(|algorithm| algorithm.name.to_owned()),
            instances: self.instances,
            distribution: self.distribution(target.format),
            deals_out_every_split: self.algorithm.is_some_and(|algorithm| algorithm.deals_out_every_split),
            weight: weight.map(str::to_owned),
        })
    }

    fn distribution(&self, format: FormatKind) -> Distribution {
        let by_default = match self.algorithm.map(|algorithm| algorithm.sharing) {
            _ if self.is_one_file(format) => Distribution::FullyReplicated,
            Some(Sharing::PartsOnly) => Distribution::ShardedByS3Key,
            Some(Sharing::Either) if self.instances > 1 => Distribution::ShardedByS3Key,
            _ => Distribution::FullyReplicated,
        };
        self.distribution.unwrap_or(by_default)
    }

    /// Whether so many instances can share the rows in that way.
    fn check_instances(&self, algorithm: &Algorithm, format: FormatKind) -> Result<()> {
        let (name, instances) = (algorithm.name, self.instances);
        let by_pipe =
            algorithm.sharing == Sharing::OneInstanceByPipe && format == FormatKind::AugmentedManifest;
        match algorithm.sharing {
            Sharing::Unknown if instances > 1 || self.distribution.is_some() => refuse(
                format!("algorithm {name} chooses its instances itself"),
                "leave 'instances' and 'distribution' out",
            ),
            Sharing::OneInstance if instances > 1 => refuse(
                format!("algorithm {name} trains on one instance, option 'instances' is {instances}"),
                "leave 'instances' out",
            ),
            _ if by_pipe && instances > 1 => refuse(
                format!("algorithm {name} reads {format} on one instance, option 'instances' is {instances}"),
                "leave 'instances' out, or use STORED AS IMAGE_RECORDIO",
            ),
            Sharing::PartsOnly if self.distribution(format) == Distribution::FullyReplicated => refuse(
                format!("algorithm {name} does not train on data that every instance has in full"),
                "use 'distribution' 'ShardedByS3Key', or leave it out",
            ),
            _ => Ok(()),
        }
    }

    fn check_one_file(&self, target: Target<'_>) -> Result<()> {
        if !self.is_one_file(target.format) {
            return Ok(());
        }
        if target.shards != Some(1) {
            let what = match self.algorithm {
                Some(algorithm) if algorithm.one_file => {
                    format!("algorithm {} reads one file a channel", algorithm.name)
                }
                _ => format!("a channel of {} is one file", target.format),
            };
            return refuse(what, "use OPTIONS ('shards' '1')");
        }
        if self.distribution == Some(Distribution::ShardedByS3Key) {
            let what = "option 'distribution' is 'ShardedByS3Key', and a channel is one file".to_owned();
            return refuse(what, "leave it out: every instance reads the file");
        }
        Ok(())
    }
}

/// Whether the algorithm reads such a format, with so many labels and such a weight.
fn check_target(algorithm: &Algorithm, target: Target<'_>) -> Result<()> {
    let name = algorithm.name;
    if !algorithm.formats.contains(&target.format) {
        let formats: Vec<&str> = algorithm.formats.iter().map(|format| format.as_str()).collect();
        let hint = format!("use STORED AS {}", formats.join(" or STORED AS "));
        return refuse(format!("algorithm {name} does not read {}", target.format), &hint);
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
        return refuse(what, &format!("write {wants}"));
    }
    match target.weight {
        Some(weight) if !algorithm.weights.contains(&target.format) => refuse(
            format!("algorithm {name} reads no weights in {}, and \"{weight}\" is one", target.format),
            &weight_hint(algorithm),
        ),
        Some(weight) if algorithm.job == Job::AutoMl && !is_weight_name(weight) => refuse(
            format!("algorithm {name} does not take \"{weight}\" for the name of a column of weights"),
            "name it with AS: at most 256 letters, digits, _ and -",
        ),
        _ => Ok(()),
    }
}

/// What to do where a weight would not be read.
fn weight_hint(algorithm: &Algorithm) -> String {
    let formats: Vec<&str> = algorithm.weights.iter().map(|format| format.as_str()).collect();
    let other = match formats.as_slice() {
        [] => String::new(),
        known => format!(", or use STORED AS {}", known.join(" or STORED AS ")),
    };
    format!("leave 'weight' out, and the column, which would be a feature{other}")
}

/// The pattern of `SampleWeightAttributeName`.
fn is_weight_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=256).contains(&name.len()) && name.bytes().all(plain)
}

fn refuse(what: String, hint: &str) -> Result<()> {
    Err(Error::new(Code::BadOption, what).with_hint(hint))
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
