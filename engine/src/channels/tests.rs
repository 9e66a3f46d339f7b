use super::{Target, TargetOptions, channels};
use crate::error::{Code, Result};
use crate::formats::{ColumnRoles, Columns, FormatDefaults, FormatKind, FormatOptions};
use crate::storage::Location;
use arrow::datatypes::{DataType, Field, Schema};
use gristmill_proto::manifest::{Distribution, Manifest, ShardInfo, SplitInfo, Training};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn resolve(options: &[(&str, &str)], target: Target<'_>) -> Result<Training> {
    let mut options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TargetOptions::take(&mut options)?.resolve(target)
}

fn check_refused(options: &[(&str, &str)], target: Target<'_>, named: &str) {
    let error = resolve(options, target).unwrap_err();
    assert_eq!(error.code(), Code::BadOption, "{error}");
    assert!(error.message().contains(named) && error.hint().is_some(), "{named}: {error}");
}

const CSV: Target<'_> = Target { format: FormatKind::Csv, labels: 1, weight: None, shards: None };
const NO_LABEL: Target<'_> = Target { labels: 0, ..CSV };
const IMAGES: Target<'_> = Target { format: FormatKind::ImageRecordIo, shards: Some(1), ..CSV };
const ATTRIBUTES: Target<'_> = Target { format: FormatKind::AugmentedManifest, shards: Some(1), ..CSV };

/// A manifest of the splits `train`, `validation`, `test` and `spare`, one shard each.
fn manifest(format: &str, training: Training) -> Manifest {
    let names = ["train", "validation", "test", "spare"];
    let split = |name: &str| json!({ "name": name, "fraction": 0.25, "shards": 1, "rows": 1, "bytes": 1 });
    let shard = |name: &str| {
        json!({ "path": format!("{name}/p.x"), "split": name, "rows": 1, "bytes": 1,
        "raw_bytes": 1, "sha256": "" })
    };
    let mut manifest: Manifest = serde_json::from_value(json!({
        "format_version": 1, "created_by": "", "job": "", "name": "", "statement": "",
        "format": { "name": format, "content_type": "of the format", "options": {} },
        "labels": ["y"],
        "placement": { "hash": "", "seed": 0, "split": { "by": "row" }, "sample": null, "undersample": {},
            "oversample": {}, "shuffled": false, "shards": null },
        "schema": [],
        "inputs": { "files": 0, "total_bytes": 0, "scanned_bytes": 0, "scanned_rows": 0 },
        "splits": [], "shards": [], "files": [],
    }))
    .unwrap();
    let splits = names.iter().map(|name| serde_json::from_value::<SplitInfo>(split(name)).unwrap());
    manifest.splits = splits.collect();
    let shards = names.iter().map(|name| serde_json::from_value::<ShardInfo>(shard(name)).unwrap());
    manifest.shards = shards.collect();
    manifest.training = training;
    manifest
}

fn channels_of(format: &str, training: Training) -> Vec<Value> {
    channels_in(&manifest(format, training))
}

fn channels_in(manifest: &Manifest) -> Vec<Value> {
    let location = Location::parse("s3://b/x").unwrap();
    channels(&location, manifest).unwrap().as_array().unwrap().clone()
}

/// The channels of shards with that extension.
fn channels_with_extension(format: &str, training: Training, extension: &str) -> Vec<Value> {
    let mut manifest = manifest(format, training);
    for shard in &mut manifest.shards {
        shard.path = format!("{}/part-00000-of-00001.{extension}", shard.split);
    }
    channels_in(&manifest)
}

/// `AttributeNames` that an algorithm, or none, gets of those columns.
fn attributes(algorithm: &str, columns: &[&str]) -> Value {
    let options = [("algorithm", algorithm)];
    let options = if algorithm.is_empty() { &options[..0] } else { &options[..] };
    let mut manifest = manifest("AUGMENTED_MANIFEST", resolve(options, ATTRIBUTES).unwrap());
    let column =
        |name: &&str| serde_json::from_value(json!({ "name": name, "type": "Utf8", "nullable": true }));
    manifest.schema = columns.iter().map(|name| column(name).unwrap()).collect();
    channels_in(&manifest)[0]["DataSource"]["S3DataSource"]["AttributeNames"].clone()
}

fn facts(channel: &Value) -> (&str, &str) {
    let source = &channel["DataSource"]["S3DataSource"];
    (channel["ChannelName"].as_str().unwrap(), source["S3DataDistributionType"].as_str().unwrap())
}

#[test]
fn without_an_algorithm_every_split_is_a_channel_of_its_name() {
    let found = channels_of("CSV", Training::default());
    let expected = ["train", "validation", "test", "spare"].map(|name| (name, "FullyReplicated"));
    assert_eq!(found.iter().map(facts).collect::<Vec<_>>(), expected);
    assert_eq!(found[0]["DataSource"]["S3DataSource"]["S3Uri"], "s3://b/x/train/");
}

#[test]
fn an_algorithm_gets_the_channels_it_has_under_its_names() {
    let catboost = resolve(&[("algorithm", "CatBoost")], CSV).unwrap();
    let found = channels_of("CSV", catboost);
    let expected = [("training", "FullyReplicated"), ("validation", "FullyReplicated")];
    assert_eq!(found.iter().map(facts).collect::<Vec<_>>(), expected);
}

#[test]
fn rows_to_train_on_are_dealt_out_and_those_to_test_on_are_not() {
    let kmeans = resolve(&[("algorithm", "kmeans"), ("instances", "4")], NO_LABEL).unwrap();
    let found = channels_of("CSV", kmeans);
    assert_eq!(
        found.iter().map(facts).collect::<Vec<_>>(),
        [("train", "ShardedByS3Key"), ("test", "FullyReplicated")]
    );
    let forest = resolve(&[("algorithm", "randomcutforest")], NO_LABEL).unwrap();
    assert_eq!(forest.distribution, Distribution::ShardedByS3Key);
}

#[test]
fn a_manifest_of_attributes_goes_through_a_pipe() {
    let found = channels_of("AUGMENTED_MANIFEST", Training::default());
    let source = &found[0]["DataSource"]["S3DataSource"];
    assert_eq!(
        (&found[0]["InputMode"], &found[0]["RecordWrapperType"]),
        (&json!("Pipe"), &json!("RecordIO"))
    );
    assert_eq!(
        (&source["S3Uri"], &source["S3DataType"]),
        (&json!("s3://b/x/train/p.x"), &json!("AugmentedManifestFile"))
    );
}

#[test]
fn images_come_out_of_the_pipe_before_what_they_are_labelled_with() {
    for algorithm in ["image-classification", "object-detection"] {
        let found = attributes(algorithm, &["class", "source-ref", "class-metadata"]);
        assert_eq!(found, json!(["source-ref", "class"]), "{algorithm}");
    }
    let found = attributes("semantic-segmentation", &["streets-ref", "source-ref", "streets-ref-metadata"]);
    assert_eq!(found, json!(["source-ref", "streets-ref"]));
    assert_eq!(attributes("blazingtext", &["label", "source"]), json!(["source", "label"]));
}

#[test]
fn without_an_algorithm_references_come_first_and_no_attribute_is_left_out() {
    let found = attributes("", &["y", "b-ref", "y-metadata", "a-ref", "x"]);
    assert_eq!(found, json!(["b-ref", "a-ref", "y", "y-metadata", "x"]));
}

#[test]
fn autopilot_gets_the_channels_of_its_own_request() {
    let target = Target { weight: Some("w"), ..CSV };
    let training = resolve(&[("algorithm", "autopilot")], target).unwrap();
    let found = channels_with_extension("CSV", training, "csv.gz");
    let channel = |name: &str, split: &str| {
        json!({ "ChannelType": name, "ContentType": "of the format", "CompressionType": "Gzip",
            "TargetAttributeName": "y", "SampleWeightAttributeName": "w",
            "DataSource": { "S3DataSource": { "S3DataType": "S3Prefix", "S3Uri": format!("s3://b/x/{split}/") } } })
    };
    assert_eq!(found, [channel("training", "train"), channel("validation", "validation")]);
}

#[test]
fn algorithms_name_their_content_types_as_they_do() {
    for (algorithm, format, extension, expected) in [
        ("autopilot", FormatKind::Parquet, "parquet", "x-application/vnd.amazon+parquet"),
        ("autopilot", FormatKind::Csv, "csv", "of the format"),
        ("deepar", FormatKind::Jsonl, "json", "json"),
        ("deepar", FormatKind::Jsonl, "json.gz", "json.gz"),
        ("deepar", FormatKind::Parquet, "parquet", "parquet"),
        ("ip-insights", FormatKind::Csv, "csv", "text/csv"),
        ("xgboost", FormatKind::Parquet, "parquet", "of the format"),
    ] {
        let labels = usize::from(algorithm != "ip-insights");
        let target = Target { format, labels, ..CSV };
        let training = resolve(&[("algorithm", algorithm)], target).unwrap();
        let found = channels_with_extension(format.as_str(), training, extension);
        assert_eq!(found[0]["ContentType"], expected, "{algorithm} {extension}");
    }
}

#[test]
fn combinations_that_no_training_job_takes_are_refused() {
    let algorithm = |name| [("algorithm", name)];
    check_refused(&algorithm("xgboost"), NO_LABEL, "xgboost wants a LABEL");
    check_refused(&algorithm("factorization-machines"), CSV, "does not read CSV");
    check_refused(&algorithm("randomcutforest"), CSV, "randomcutforest wants no LABEL");
    let replicated = [("algorithm", "randomcutforest"), ("distribution", "FullyReplicated")];
    check_refused(&replicated, NO_LABEL, "every instance has in full");
    check_refused(&[("algorithm", "lda"), ("instances", "2")], NO_LABEL, "one instance");
    check_refused(
        &algorithm("image-classification"),
        Target { shards: Some(2), ..IMAGES },
        "one file a channel",
    );
    check_refused(&[], Target { shards: Some(2), ..ATTRIBUTES }, "one file");
    check_refused(&[("distribution", "ShardedByS3Key")], ATTRIBUTES, "one file");
    let two_by_pipe = [("algorithm", "image-classification"), ("instances", "2")];
    check_refused(&two_by_pipe, ATTRIBUTES, "AUGMENTED_MANIFEST on one instance");
    check_refused(
        &[("algorithm", "object2vec"), ("instances", "2")],
        Target { format: FormatKind::Jsonl, ..CSV },
        "one instance",
    );
    check_refused(&algorithm("semantic-segmentation"), IMAGES, "does not read IMAGE_RECORDIO");
    check_refused(&[("instances", "0")], CSV, "'instances'");
    check_refused(&[("distribution", "half")], CSV, "'half'");
}

#[test]
fn autopilot_is_refused_what_its_request_has_no_word_for() {
    let algorithm = ("algorithm", "autopilot");
    check_refused(&[algorithm], NO_LABEL, "autopilot wants a LABEL");
    check_refused(&[algorithm, ("instances", "2")], CSV, "chooses its instances");
    check_refused(&[algorithm, ("distribution", "FullyReplicated")], CSV, "chooses its instances");
    check_refused(&[algorithm], Target { weight: Some("a b"), ..CSV }, "\"a b\"");
}

#[test]
fn a_weight_that_no_algorithm_would_read_is_refused() {
    let weighted = |format| Target { format, weight: Some("w"), ..CSV };
    for algorithm in ["linear-learner", "lightgbm", "catboost", "knn"] {
        check_refused(&[("algorithm", algorithm)], weighted(FormatKind::Csv), "\"w\"");
    }
    check_refused(&[("algorithm", "xgboost")], weighted(FormatKind::Parquet), "no weights in PARQUET");
    resolve(&[("algorithm", "xgboost")], weighted(FormatKind::Csv)).unwrap();
    resolve(&[("algorithm", "xgboost")], weighted(FormatKind::Libsvm)).unwrap();
    resolve(&[("algorithm", "autopilot")], weighted(FormatKind::Parquet)).unwrap();
    resolve(&[], weighted(FormatKind::Csv)).unwrap();
}

#[test]
fn a_split_with_fewer_shards_than_instances_is_evaluated_in_full() {
    let instances = |count| resolve(&[("algorithm", "xgboost"), ("instances", count)], CSV).unwrap();
    let validation = |count, shards| {
        let mut manifest = manifest("CSV", instances(count));
        manifest.splits[1].shards = shards;
        facts(&channels_in(&manifest)[1]).1.to_owned()
    };
    assert_eq!(validation("4", 4), "ShardedByS3Key");
    assert_eq!(validation("4", 3), "FullyReplicated");
    // Those to train on are never copied to every instance: each would weigh as many times.
    assert_eq!(facts(&channels_of("CSV", instances("4"))[0]), ("train", "ShardedByS3Key"));
}

#[test]
fn an_algorithm_that_reads_no_shards_is_refused_with_what_it_reads() {
    for (name, named) in [
        ("seq2seq", "seq2seq reads records of two lists of tokens"),
        ("Image Classification TensorFlow", "a folder of image files for each class"),
        ("object-detection-tf", "object-detection-tensorflow reads"),
        ("text_classification_tensorflow", "data.csv"),
    ] {
        let error = resolve(&[("algorithm", name)], CSV).unwrap_err();
        assert_eq!(error.code(), Code::Unsupported, "{error}");
        assert!(error.message().contains(named) && error.hint().is_some(), "{name}: {error}");
    }
}

#[test]
fn an_unknown_algorithm_is_refused_with_the_nearest_name() {
    let error = resolve(&[("algorithm", "xgbost")], CSV).unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.hint().is_some_and(|hint| hint.contains("xgboost")), "{error:?}");
}

/// What an algorithm says to a set of a number and a column of that type, with those options.
fn readable(algorithm: &str, kind: FormatKind, option: (&str, &str), other: DataType) -> Result<()> {
    let mut named = [("algorithm".to_owned(), algorithm.to_owned())].into();
    let mut options = [(option.0.to_owned(), option.1.to_owned())].into();
    let target = TargetOptions::take(&mut named)?;
    let options = FormatOptions::take(kind, &mut options, target.format_defaults())?;
    let fields = vec![Field::new("y", DataType::Int64, true), Field::new("start", other, true)];
    let roles = ColumnRoles { labels: 1, ..ColumnRoles::default() };
    let columns = Columns::new(Arc::new(Schema::new(fields)), roles)?;
    target.check_readable(&options, &columns, &["train".to_owned()])
}

#[test]
fn what_an_algorithm_cannot_read_is_refused_by_its_name() {
    const NONE: (&str, &str) = ("compression", "none");
    let float = || DataType::Float32;
    for (algorithm, kind, option, other, named) in [
        ("xgboost", FormatKind::Csv, ("header", "true"), float(), "'header'"),
        ("xgboost", FormatKind::Csv, ("delimiter", ";"), float(), "'delimiter'"),
        ("xgboost", FormatKind::Csv, ("compression", "zstd"), float(), "'compression'"),
        ("xgboost", FormatKind::Csv, ("categorical", "start"), float(), "'categorical'"),
        ("xgboost", FormatKind::Csv, ("compression", "gzip"), float(), "'compression'"),
        ("xgboost", FormatKind::Libsvm, ("one_based", "true"), float(), "'one_based'"),
        ("xgboost", FormatKind::Libsvm, ("compression", "gzip"), float(), "'compression'"),
        ("xgboost", FormatKind::Libsvm, ("compression", "zstd"), float(), "'compression'"),
        ("autopilot", FormatKind::Csv, ("compression", "zstd"), float(), "'compression'"),
        ("linear-learner", FormatKind::Recordio, ("dtype", "float64"), float(), "'dtype'"),
        ("linear-learner", FormatKind::Recordio, ("label_dtype", "int32"), float(), "'label_dtype'"),
        ("xgboost", FormatKind::Csv, NONE, DataType::Utf8View, "\"start\" is Utf8,"),
        ("xgboost", FormatKind::Parquet, NONE, DataType::Date32, "\"start\""),
        ("deepar", FormatKind::Jsonl, ("extension", "jsonl"), float(), "'extension'"),
        ("deepar", FormatKind::Jsonl, ("compression", "zstd"), float(), "'compression'"),
        ("deepar", FormatKind::Parquet, ("compression", "zstd"), float(), "'compression'"),
        ("object2vec", FormatKind::Jsonl, ("compression", "gzip"), float(), "'compression'"),
        ("autopilot", FormatKind::Csv, ("header", "false"), float(), "'header'"),
    ] {
        let error = readable(algorithm, kind, option, other).unwrap_err();
        assert!(error.message().contains(named) && error.hint().is_some(), "{named}: {error}");
    }
    for (algorithm, kind, option, other) in [
        ("xgboost", FormatKind::Csv, NONE, float()),
        ("lightgbm", FormatKind::Csv, ("categorical", "start"), float()),
        ("catboost", FormatKind::Csv, NONE, DataType::Utf8),
        ("rcf", FormatKind::Recordio, ("dtype", "float32"), float()),
        ("autopilot", FormatKind::Csv, ("compression", "gzip"), DataType::Utf8),
    ] {
        readable(algorithm, kind, option, other).unwrap();
    }
}

#[test]
fn a_set_without_a_split_to_train_on_is_refused() {
    let mut options = [("algorithm".to_owned(), "xgboost".to_owned())].into();
    let format = FormatOptions::take(FormatKind::Csv, &mut [].into(), FormatDefaults::TRAINING_SET).unwrap();
    let columns = Columns::features_only(Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)])));
    let target = TargetOptions::take(&mut options).unwrap();
    let error = target.check_readable(&format, &columns, &["fold_0".to_owned()]).unwrap_err();
    assert!(error.message().contains("no split to train on"), "{error}");
}

#[test]
fn labels_without_features_are_refused() {
    let mut options = [("algorithm".to_owned(), "xgboost".to_owned())].into();
    let format = FormatOptions::take(FormatKind::Csv, &mut [].into(), FormatDefaults::TRAINING_SET).unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("y", DataType::Int64, true)]));
    let columns = Columns::new(schema, ColumnRoles { labels: 1, ..ColumnRoles::default() }).unwrap();
    let target = TargetOptions::take(&mut options).unwrap();
    let error = target.check_readable(&format, &columns, &["train".to_owned()]).unwrap_err();
    assert!(error.message().contains("rows without features") && error.hint().is_some(), "{error}");
}

#[test]
fn instances_share_the_one_file_of_an_image_algorithm() {
    let mut options: BTreeMap<_, _> =
        [("algorithm", "image-classification"), ("instances", "2")].map(|(k, v)| (k.into(), v.into())).into();
    let target = TargetOptions::take(&mut options).unwrap();
    assert_eq!(target.readers(FormatKind::ImageRecordIo), 1);
    assert_eq!(target.resolve(IMAGES).unwrap().distribution, Distribution::FullyReplicated);
}
