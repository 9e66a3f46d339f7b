//! What SageMaker's built-in algorithms accept, as the developer guide's page "Common Information About Built-in
//! Algorithms" and the pages of the algorithms say.

use super::column_rule::ColumnRule;
use super::unwritable;
use crate::error::{Code, Error, Result};
use crate::formats::FormatKind;
use crate::suggest;
use FormatKind::{AugmentedManifest, BlazingText, Csv, ImageRecordIo, Jsonl, Libsvm, Parquet, Recordio};

/// How many target columns an algorithm reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    /// It learns without.
    None,
    /// One.
    One,
    /// One, or a vector.
    OneOrMore,
    /// They are attributes among others.
    Any,
}

/// How its instances share the rows to train on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// It runs on one instance.
    OneInstance,
    /// It runs on one instance when it reads through a pipe.
    OneInstanceByPipe,
    /// Each may read all rows or its part.
    Either,
    /// Each reads its part; the algorithm refuses anything else.
    PartsOnly,
    /// The service chooses them.
    Unknown,
}

/// What SageMaker calls its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentType {
    /// As the format says.
    OfFormat,
    /// The extension of the files: `json`, `json.gz`, `parquet`.
    Extension,
    /// Another one for that format.
    Instead(FormatKind, &'static str),
}

/// Which request starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// `CreateTrainingJob`.
    Training,
    /// `CreateAutoMLJob`.
    AutoMl,
}

/// One built-in algorithm.
#[derive(Debug)]
pub(super) struct Algorithm {
    /// Its name, as in the path of its image.
    pub(super) name: &'static str,
    pub(super) job: Job,
    /// The formats it reads.
    pub(super) formats: &'static [FormatKind],
    pub(super) labels: Labels,
    /// The formats in which it reads a weight of each row.
    pub(super) weights: &'static [FormatKind],
    /// What its columns have to be, where the format could hold others.
    pub(super) columns: ColumnRule,
    pub(super) content_type: ContentType,
    pub(super) sharing: Sharing,
    /// A channel is one file.
    pub(super) one_file: bool,
    /// It reads `categorical_index.json`, and does not take it for data.
    pub(super) categorical_index: bool,
    /// Each instance evaluates on its own part, too.
    pub(super) deals_out_every_split: bool,
    /// Splits that have a channel, and its name.
    channels: &'static [(&'static str, &'static str)],
}

const TRAIN: (&str, &str) = ("train", "train");
const TRAINING: (&str, &str) = ("train", "training");
const VALIDATION: (&str, &str) = ("validation", "validation");
const TEST: (&str, &str) = ("test", "test");

/// An algorithm of many instances that reads folders.
const fn algorithm(
    name: &'static str,
    formats: &'static [FormatKind],
    labels: Labels,
    channels: &'static [(&'static str, &'static str)],
) -> Algorithm {
    Algorithm {
        name,
        job: Job::Training,
        formats,
        labels,
        weights: &[],
        columns: ColumnRule::Any,
        content_type: ContentType::OfFormat,
        sharing: Sharing::Either,
        one_file: false,
        categorical_index: false,
        deals_out_every_split: false,
        channels,
    }
}

/// The same of one that reads tables of numbers.
const fn numeric(
    name: &'static str,
    formats: &'static [FormatKind],
    labels: Labels,
    channels: &'static [(&'static str, &'static str)],
) -> Algorithm {
    Algorithm { columns: ColumnRule::Numbers, ..algorithm(name, formats, labels, channels) }
}

/// An algorithm that reads images, all of a channel in one file.
const fn images(name: &'static str, formats: &'static [FormatKind]) -> Algorithm {
    Algorithm {
        columns: ColumnRule::Image,
        one_file: true,
        ..algorithm(name, formats, Labels::Any, &[TRAIN, VALIDATION])
    }
}

static ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        // It drops an instance that finds no validation file.
        deals_out_every_split: true,
        // With `csv_weights`, and as `label:weight`.
        weights: &[Csv, Libsvm],
        ..numeric("xgboost", &[Csv, Libsvm, Parquet, Recordio], Labels::One, &[TRAIN, VALIDATION])
    },
    numeric("linear-learner", &[Recordio, Csv], Labels::One, &[TRAIN, VALIDATION, TEST]),
    numeric("factorization-machines", &[Recordio], Labels::One, &[TRAIN, TEST]),
    numeric("kmeans", &[Recordio, Csv], Labels::None, &[TRAIN, TEST]),
    numeric("knn", &[Recordio, Csv], Labels::OneOrMore, &[TRAIN, TEST]),
    numeric("pca", &[Recordio, Csv], Labels::None, &[TRAIN, TEST]),
    // Its test channel needs the label that its train channel must not have: another statement makes that.
    Algorithm {
        sharing: Sharing::PartsOnly,
        ..numeric("randomcutforest", &[Recordio, Csv], Labels::None, &[TRAIN])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        ..numeric("lda", &[Recordio, Csv], Labels::None, &[TRAIN, TEST])
    },
    numeric("ntm", &[Recordio, Csv], Labels::None, &[TRAIN, VALIDATION, TEST]),
    Algorithm {
        columns: ColumnRule::Accesses,
        content_type: ContentType::Instead(Csv, "text/csv"),
        ..algorithm("ipinsights", &[Csv], Labels::None, &[TRAIN, VALIDATION])
    },
    Algorithm {
        columns: ColumnRule::TimeSeries,
        content_type: ContentType::Extension,
        ..algorithm("forecasting-deepar", &[Jsonl, Parquet], Labels::Any, &[TRAIN, TEST])
    },
    Algorithm {
        columns: ColumnRule::Text,
        sharing: Sharing::OneInstance,
        one_file: true,
        ..algorithm("blazingtext", &[BlazingText, AugmentedManifest], Labels::Any, &[TRAIN, VALIDATION])
    },
    Algorithm {
        columns: ColumnRule::Pairs,
        sharing: Sharing::OneInstance,
        ..algorithm("object2vec", &[Jsonl], Labels::Any, &[TRAIN, VALIDATION, TEST])
    },
    Algorithm { categorical_index: true, ..numeric("lightgbm", &[Csv], Labels::One, &[TRAIN, VALIDATION]) },
    Algorithm {
        sharing: Sharing::OneInstance,
        categorical_index: true,
        ..algorithm("catboost", &[Csv], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        categorical_index: true,
        ..algorithm("tabtransformer", &[Csv], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        ..algorithm("autogluon-tabular", &[Csv], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        job: Job::AutoMl,
        weights: &[Csv, Parquet],
        content_type: ContentType::Instead(Parquet, "x-application/vnd.amazon+parquet"),
        sharing: Sharing::Unknown,
        ..algorithm("autopilot", &[Csv, Parquet], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        sharing: Sharing::OneInstanceByPipe,
        ..images("image-classification", &[ImageRecordIo, AugmentedManifest])
    },
    images("object-detection", &[ImageRecordIo, AugmentedManifest]),
    Algorithm {
        columns: ColumnRule::ImageAndMask,
        sharing: Sharing::OneInstance,
        ..images("semantic-segmentation", &[AugmentedManifest])
    },
];

/// What people call algorithms otherwise.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("rcf", "randomcutforest"),
    ("random-cut-forest", "randomcutforest"),
    ("deepar", "forecasting-deepar"),
    ("k-means", "kmeans"),
    ("k-nn", "knn"),
    ("fm", "factorization-machines"),
    ("ip-insights", "ipinsights"),
    ("autogluon", "autogluon-tabular"),
    ("sequence-to-sequence", "seq2seq"),
];

impl Algorithm {
    /// The algorithm of that name, in any case; `_` and ` ` count as `-`.
    ///
    /// # Errors
    /// `Unsupported`, with the nearest name or all of them as the hint; for an algorithm that no format is written for,
    /// with what it reads.
    pub(super) fn parse(text: &str) -> Result<&'static Algorithm> {
        let wanted = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let short = SHORT_NAMES.iter().find(|(short, _)| *short == wanted);
        let wanted = short.map_or(wanted, |(_, name)| (*name).to_owned());
        if let Some(refusal) = unwritable::refusal(&wanted) {
            return Err(refusal);
        }
        ALGORITHMS.iter().find(|known| known.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = ALGORITHMS.iter().map(|known| known.name).collect();
            let hint = suggest::hint(&wanted, &names)
                .unwrap_or_else(|| format!("known algorithms: {}", names.join(", ")));
            Error::new(Code::Unsupported, format!("algorithm \"{text}\" is not known")).with_hint(hint)
        })
    }

    /// The channel that a split is given as.
    pub(super) fn channel(&self, split: &str) -> Option<&'static str> {
        self.channels.iter().find(|(known, _)| *known == split).map(|(_, channel)| *channel)
    }
}
