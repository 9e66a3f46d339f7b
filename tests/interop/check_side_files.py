"""Channels, statistics and constraints: what AWS's own libraries make of them, and figures that DuckDB computes, too."""

import math
import pathlib
import re
import typing

import botocore.session
import botocore.validate

import sagemaker_sdk
from checks import Checks, quoted
from inputs import VECTOR
from sets import Maker, TrainingSet

# What stands for the folder of a training set: channels are of sets on S3.
BUCKET = "s3://bucket/models/set"
SPLITS = "train 0.6, validation 0.2, test 0.2"
FULL, PARTS = "FullyReplicated", "ShardedByS3Key"
RECORDS, IMAGES = "application/x-recordio-protobuf", "application/x-recordio"
PAIRS, ATTRIBUTES = "y AS label, [id] AS in0, [y] AS in1", "y AS class, 's3://bucket/key' AS \"source-ref\""
SERIES, ACCESSES = "moment AS start, [y] AS target", "CAST(id AS VARCHAR) AS who, '192.168.1.2' AS address"
MASKS, TEXTS = "'s3://bucket/mask' AS \"mask-ref\", 's3://bucket/key' AS \"source-ref\"", "y AS label, 'a b' AS source"


class Case(typing.NamedTuple):
    """A training set for an algorithm, or for none, and the channels that it must have."""

    algorithm: str
    kind: str
    columns: str
    label: str
    options: str
    content_type: str
    channels: dict[str, str]


CASES = [
    Case("", "CSV", "y, id, weight", "y", "", "text/csv;label_size=1", dict(train=FULL, validation=FULL, test=FULL)),
    Case("xgboost", "CSV", "y, id", "y", "'instances' '2'", "text/csv;label_size=1", dict(train=PARTS, validation=PARTS)),
    Case("xgboost", "PARQUET", "y, id", "y", "", "application/x-parquet", dict(train=FULL, validation=FULL)),
    Case("xgboost", "LIBSVM", "y, id", "y", "", "text/libsvm", dict(train=FULL, validation=FULL)),
    Case("linear-learner", "RECORDIO", "y, id", "y", "", RECORDS, dict(train=FULL, validation=FULL, test=FULL)),
    Case("knn", "CSV", "y, weight, id", "y, weight", "", "text/csv;label_size=2", dict(train=FULL, test=FULL)),
    Case("kmeans", "CSV", "id, weight", "", "'instances' '2'", "text/csv;label_size=0", dict(train=PARTS, test=FULL)),
    Case("randomcutforest", "RECORDIO", "id, weight", "", "", RECORDS, dict(train=PARTS)),
    Case("catboost", "CSV", "y, id", "y", "", "text/csv;label_size=1", dict(training=FULL, validation=FULL)),
    Case("object2vec", "JSONL", PAIRS, "", "", "application/jsonlines", dict(train=FULL, validation=FULL, test=FULL)),
    Case("blazingtext", "BLAZINGTEXT", "y, 'a b' AS words", "y", "'shards' '1'", "text/plain", dict(train=FULL, validation=FULL)),
    Case("image-classification", "IMAGE_RECORDIO", "y, image", "y", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL)),
    Case("", "AUGMENTED_MANIFEST", ATTRIBUTES, "", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL, test=FULL)),
    Case("image-classification", "AUGMENTED_MANIFEST", ATTRIBUTES, "class", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL)),
    Case("object-detection", "AUGMENTED_MANIFEST", ATTRIBUTES, "", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL)),
    Case("semantic-segmentation", "AUGMENTED_MANIFEST", MASKS, "", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL)),
    Case("blazingtext", "AUGMENTED_MANIFEST", TEXTS, "label", "'shards' '1'", IMAGES, dict(train=FULL, validation=FULL)),
    Case("forecasting-deepar", "JSONL", SERIES, "", "", "json", dict(train=FULL, test=FULL)),
    Case("forecasting-deepar", "JSONL", SERIES, "", "'compression' 'gzip'", "json.gz", dict(train=FULL, test=FULL)),
    Case("forecasting-deepar", "PARQUET", SERIES, "", "'instances' '2'", "parquet", dict(train=PARTS, test=FULL)),
    Case("ipinsights", "CSV", ACCESSES, "", "", "text/csv", dict(train=FULL, validation=FULL)),
]

# What the pages of the algorithms say about the order of a manifest's attributes.
ORDERS = {
    "": ["source-ref", "class"],
    "image-classification": ["source-ref", "class"],
    "object-detection": ["source-ref", "class"],
    "semantic-segmentation": ["source-ref", "mask-ref"],
    "blazingtext": ["source", "label"],
}

# Format, options, content type and compression of Autopilot's channels.
AUTO_ML = [
    ("CSV", "", "text/csv;header=present", "None"),
    ("CSV", "'compression' 'gzip', 'weight' 'weight'", "text/csv;header=present", "Gzip"),
    ("PARQUET", "", "x-application/vnd.amazon+parquet", "None"),
]


def check_side_files(checks: Checks, maker: Maker) -> None:
    check_channels(checks, maker)
    check_auto_ml(checks, maker)
    check_manifests(checks, maker)
    check_statistics(checks, maker)


def check_channels(checks: Checks, maker: Maker) -> None:
    """Each is an `InputDataConfig` that the service's model takes, and what the SDK writes for the same input."""
    shape = shape_of("CreateTrainingJob")
    for case in CASES:
        algorithm = f"'algorithm' '{case.algorithm}'" if case.algorithm else ""
        options = ", ".join(filter(None, [case.options, algorithm]))
        written = maker.make(case.kind, case.columns, label=case.label, splits=SPLITS, options=options)
        what = f"channels of {case.kind} for {case.algorithm or 'no algorithm'}"
        channels = on_s3(written.side_file("channels.json"), written.location)
        found = {channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] for channel in channels}
        checks.equal(found, case.channels, f"{what}: names and distribution")
        checks.equal({channel["ContentType"] for channel in channels}, {case.content_type}, f"{what}: content type")
        orders = [channel["DataSource"]["S3DataSource"].get("AttributeNames") for channel in channels]
        expected = ORDERS[case.algorithm] if case.kind == "AUGMENTED_MANIFEST" else None
        checks.equal(orders, [expected] * len(channels), f"{what}: attributes")
        faults = faults_of(job_of(channels), shape)
        checks.equal(faults, [], f"{what}: CreateTrainingJob's model takes them")
        written_by_sdk = [{"ChannelName": channel["ChannelName"], **by_sdk(channel)} for channel in channels]
        checks.equal(channels, written_by_sdk, f"{what}: the SDK's TrainingInput writes the same")


def check_auto_ml(checks: Checks, maker: Maker) -> None:
    """Autopilot's are an `InputDataConfig` of `CreateAutoMLJob`, which names the target."""
    shape = shape_of("CreateAutoMLJob")
    for kind, options, content_type, compression in AUTO_ML:
        what = f"channels of {kind} for autopilot"
        options = ", ".join(filter(None, [options, "'algorithm' 'autopilot'"]))
        written = maker.make(kind, "text, weight, y", splits=SPLITS, options=options)
        channels = on_s3(written.side_file("channels.json"), written.location)
        job = {
            "AutoMLJobName": "job",
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": BUCKET},
            "RoleArn": "arn:aws:iam::123456789012:role/training",
        }
        checks.equal(faults_of(job, shape), [], f"{what}: CreateAutoMLJob's model takes them")
        weight = {"SampleWeightAttributeName": "weight"} if "'weight'" in options else {}
        expected = [
            {
                "ChannelType": name,
                "ContentType": content_type,
                "CompressionType": compression,
                "TargetAttributeName": "y",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/{split}/"}},
                **weight,
            }
            for split, name in dict(train="training", validation="validation").items()
        ]
        checks.equal(channels, expected, f"{what}: target, content type, compression and weight")


def shape_of(operation: str):
    return botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape


def on_s3(value: object, location: pathlib.Path) -> object:
    match value:
        case str():
            return value.replace(str(location), BUCKET)
        case list():
            return [on_s3(element, location) for element in value]
        case dict():
            return {name: on_s3(field, location) for name, field in value.items()}
    return value


def job_of(channels: list[dict]) -> dict:
    return {
        "TrainingJobName": "job",
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": BUCKET},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def faults_of(job: dict, shape) -> list[str]:
    """What botocore finds, and what it leaves to the service: values that are not of an enumeration or a pattern."""
    report = botocore.validate.ParamValidator().validate(job, shape)
    faults = [report.generate_report()] if report.has_errors() else []
    return faults + list(outside(job, shape, "job"))


def outside(value: object, shape, where: str):
    match shape.type_name:
        case "structure":
            for name, field in value.items():
                yield from outside(field, shape.members[name], f"{where}.{name}")
        case "list":
            for at, element in enumerate(value):
                yield from outside(element, shape.member, f"{where}[{at}]")
        case "string":
            pattern = shape.metadata.get("pattern")
            if value not in (shape.metadata.get("enum") or [value]) or not re.fullmatch(pattern or ".*", value):
                yield f"{where}: {value!r}"


def by_sdk(channel: dict) -> dict:
    source = channel["DataSource"]["S3DataSource"]
    return sagemaker_sdk.TrainingInput(
        source["S3Uri"],
        distribution=source["S3DataDistributionType"],
        s3_data_type=source["S3DataType"],
        attribute_names=source.get("AttributeNames"),
        content_type=channel["ContentType"],
        compression=channel["CompressionType"],
        input_mode=channel["InputMode"],
        record_wrapping=channel.get("RecordWrapperType"),
    ).config


def check_manifests(checks: Checks, maker: Maker) -> None:
    """A split's ManifestFile is a prefix and the names of its shards below it."""
    written = maker.make("CSV", "y, id", splits=SPLITS)
    for split, files in written.splits().items():
        expected = [{"prefix": f"{written.location}/{split}/"}, *(file.name for file in files)]
        checks.equal(written.side_file(f"{split}.manifest"), expected, f"manifest of {split}: its {len(files)} shards")


def check_statistics(checks: Checks, maker: Maker) -> None:
    """Figures of every split against DuckDB's over the same shards; the SDK's classes work on both files."""
    columns = f"y, id, flag, tiny, whole, amount, single, dense_f32, weight, text, {VECTOR}, day"
    written = maker.make("PARQUET", columns, splits=SPLITS)
    for split, files in written.splits().items():
        table = f"read_parquet([{', '.join(map(quoted, files))}])"
        statistics = sagemaker_sdk.Statistics(written.side_file(f"{split}.statistics.json"), BUCKET).body_dict
        rows = maker.input.oracle.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        checks.equal(statistics["dataset"]["item_count"], rows, f"statistics of {split}: rows")
        kinds = {name: kind for name, kind, *_ in maker.input.oracle.execute(f"DESCRIBE FROM {table}").fetchall()}
        checks.equal([feature["name"] for feature in statistics["features"]], list(kinds), f"statistics of {split}: features")
        for feature in statistics["features"]:
            check_feature(maker, table, feature, kinds[feature["name"]], f"statistics of {split}")
        checks.that(True, f"statistics of {split}: {len(kinds)} features have DuckDB's figures")
        check_constraints(checks, written, split, statistics)


INTEGRAL = ("BOOLEAN", "TINYINT", "INTEGER", "BIGINT")
FRACTIONAL = ("FLOAT", "DOUBLE", "DECIMAL(20,4)")


def check_feature(maker: Maker, table: str, feature: dict, kind: str, where: str) -> None:
    name = feature["name"]
    inferred = "Integral" if kind in INTEGRAL else "Fractional" if kind in FRACTIONAL else "Unknown" if "[" in kind else "String"
    expect(feature["inferred_type"], inferred, f"{where}, {name}: inferred type")
    figures = feature.get("numerical_statistics") or feature.get("string_statistics")
    present, missing = maker.input.oracle.execute(f"SELECT count({name}), count(*) - count({name}) FROM {table}").fetchone()
    if figures:
        expect(figures["common"], {"num_present": present, "num_missing": missing}, f"{where}, {name}: present and missing")
    if inferred in ("Integral", "Fractional"):
        check_numbers(maker, table, name, figures, where)
    elif figures:
        distinct = maker.input.oracle.execute(f"SELECT count(DISTINCT {name}) FROM {table}").fetchone()[0]
        expect(figures["distinct_count"], float(distinct), f"{where}, {name}: distinct")


def check_numbers(maker: Maker, table: str, name: str, figures: dict, where: str) -> None:
    """NaN and infinities are in none of the figures."""
    number = f"CAST({name} AS DOUBLE)"
    expected = maker.input.oracle.execute(
        f"SELECT avg({number}), sum({number}), stddev_pop({number}), min({number}), max({number}), count({number}) "
        f"FROM {table} WHERE isfinite({number})"
    ).fetchone()
    for figure, value in zip(["mean", "sum", "std_dev", "min", "max"], expected):
        close = figures[figure] == value if figure in ("min", "max") else math.isclose(figures[figure], value, rel_tol=1e-9)
        if not close:
            raise AssertionError(f"{where}, {name}, {figure}: expected {value!r}, found {figures[figure]!r}")
    buckets = figures["distribution"]["kll"]["buckets"]
    expect(sum(bucket["count"] for bucket in buckets), float(expected[5]), f"{where}, {name}: rows in buckets")


def check_constraints(checks: Checks, written: TrainingSet, split: str, statistics: dict) -> None:
    constraints = sagemaker_sdk.Constraints(written.side_file(f"{split}.constraints.json"), BUCKET)
    constraints.set_monitoring(False)
    constraints.set_monitoring(True, "id")
    features = {feature["name"]: feature for feature in constraints.body_dict["features"]}
    for feature in statistics["features"]:
        figures = feature.get("numerical_statistics") or feature.get("string_statistics")
        constraint = features[feature["name"]]
        expect(constraint["inferred_type"], feature["inferred_type"], f"constraints of {split}, {feature['name']}: type")
        if figures:
            share = figures["common"]["num_present"] / statistics["dataset"]["item_count"]
            found = constraint["completeness"]
            if not math.isclose(found, share, rel_tol=1e-12):
                raise AssertionError(f"constraints of {split}, {feature['name']}, completeness: expected {share}, found {found}")
        if "numerical_statistics" in feature:
            found = constraint["num_constraints"]["is_non_negative"]
            expect(found, figures["min"] >= 0, f"constraints of {split}, {feature['name']}: never negative")
    overridden = [name for name, feature in features.items() if feature.get("monitoring_config_overrides")]
    checks.equal(overridden, ["id"], f"constraints of {split}: as the statistics are, and the SDK's Constraints edits them")


def expect(found: object, expected: object, where: str) -> None:
    if found != expected:
        raise AssertionError(f"{where}: expected {expected!r}, found {found!r}")
