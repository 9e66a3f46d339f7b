//! What SageMaker's built-in algorithms accept, as the developer guide's page "Common Information About Built-in
//! Algorithms" and the pages of the algorithms say.

use crate::error::{Code, Error, Result};
use crate::suggest;

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
    /// Each may read all rows or its part.
    Either,
    /// Each reads its part; the algorithm refuses anything else.
    PartsOnly,
}

/// One built-in algorithm.
#[derive(Debug)]
pub(super) struct Algorithm {
    /// Its name, as in the path of its image.
    pub(super) name: &'static str,
    /// The formats it reads, as `STORED AS` names them.
    pub(super) formats: &'static [&'static str],
    pub(super) labels: Labels,
    pub(super) sharing: Sharing,
    /// A channel is one file.
    pub(super) one_file: bool,
    /// Its columns have to be numbers all, where the format could hold others.
    pub(super) numbers_only: bool,
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

const CSV: &str = "CSV";
const RECORDIO: &str = "RECORDIO";

/// An algorithm of many instances that reads folders.
const fn algorithm(
    name: &'static str,
    formats: &'static [&'static str],
    labels: Labels,
    channels: &'static [(&'static str, &'static str)],
) -> Algorithm {
    Algorithm {
        name,
        formats,
        labels,
        sharing: Sharing::Either,
        one_file: false,
        numbers_only: false,
        categorical_index: false,
        deals_out_every_split: false,
        channels,
    }
}

/// The same of one that reads tables of numbers.
const fn numeric(
    name: &'static str,
    formats: &'static [&'static str],
    labels: Labels,
    channels: &'static [(&'static str, &'static str)],
) -> Algorithm {
    Algorithm { numbers_only: true, ..algorithm(name, formats, labels, channels) }
}

static ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        // It drops an instance that finds no validation file.
        deals_out_every_split: true,
        ..numeric("xgboost", &[CSV, "LIBSVM", "PARQUET", RECORDIO], Labels::One, &[TRAIN, VALIDATION])
    },
    numeric("linear-learner", &[RECORDIO, CSV], Labels::One, &[TRAIN, VALIDATION, TEST]),
    numeric("factorization-machines", &[RECORDIO], Labels::One, &[TRAIN, TEST]),
    numeric("kmeans", &[RECORDIO, CSV], Labels::None, &[TRAIN, TEST]),
    numeric("knn", &[RECORDIO, CSV], Labels::OneOrMore, &[TRAIN, TEST]),
    numeric("pca", &[RECORDIO, CSV], Labels::None, &[TRAIN, TEST]),
    // Its test channel needs the label that its train channel must not have: another statement makes that.
    Algorithm {
        sharing: Sharing::PartsOnly,
        ..numeric("randomcutforest", &[RECORDIO, CSV], Labels::None, &[TRAIN])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        ..numeric("lda", &[RECORDIO, CSV], Labels::None, &[TRAIN, TEST])
    },
    numeric("ntm", &[RECORDIO, CSV], Labels::None, &[TRAIN, VALIDATION, TEST]),
    algorithm("ipinsights", &[CSV], Labels::None, &[TRAIN, VALIDATION]),
    algorithm("forecasting-deepar", &["JSONL", "PARQUET"], Labels::Any, &[TRAIN, TEST]),
    Algorithm {
        sharing: Sharing::OneInstance,
        one_file: true,
        ..algorithm("blazingtext", &["BLAZINGTEXT", "AUGMENTED_MANIFEST"], Labels::Any, &[TRAIN, VALIDATION])
    },
    algorithm("object2vec", &["JSONL"], Labels::Any, &[TRAIN, VALIDATION, TEST]),
    Algorithm { categorical_index: true, ..numeric("lightgbm", &[CSV], Labels::One, &[TRAIN, VALIDATION]) },
    Algorithm {
        sharing: Sharing::OneInstance,
        categorical_index: true,
        ..algorithm("catboost", &[CSV], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        categorical_index: true,
        ..algorithm("tabtransformer", &[CSV], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        sharing: Sharing::OneInstance,
        ..algorithm("autogluon-tabular", &[CSV], Labels::One, &[TRAINING, VALIDATION])
    },
    Algorithm {
        one_file: true,
        ..algorithm(
            "image-classification",
            &["IMAGE_RECORDIO", "AUGMENTED_MANIFEST"],
            Labels::Any,
            &[TRAIN, VALIDATION],
        )
    },
    Algorithm {
        one_file: true,
        ..algorithm(
            "object-detection",
            &["IMAGE_RECORDIO", "AUGMENTED_MANIFEST"],
            Labels::Any,
            &[TRAIN, VALIDATION],
        )
    },
];

/// What people call algorithms otherwise.
const SHORT_NAMES: [(&str, &str); 5] = [
    ("rcf", "randomcutforest"),
    ("deepar", "forecasting-deepar"),
    ("k-means", "kmeans"),
    ("k-nn", "knn"),
    ("fm", "factorization-machines"),
];

impl Algorithm {
    /// The algorithm of that name, in any case; `_` and ` ` count as `-`.
    ///
    /// # Errors
    /// `Unsupported`, with the nearest name or all of them as the hint.
    pub(super) fn parse(text: &str) -> Result<&'static Algorithm> {
        let wanted = text.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let short = SHORT_NAMES.iter().find(|(short, _)| *short == wanted);
        let wanted = short.map_or(wanted, |(_, name)| (*name).to_owned());
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
