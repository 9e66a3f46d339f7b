use super::layers::{Layers, setting_of};
use super::memory::control_group_limit;
use super::*;
use std::time::Duration;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config> {
    let file = (!file.is_empty()).then(|| ("some.toml".into(), file.to_owned()));
    Layers { file, environment: pairs(environment), flags: pairs(flags) }.into_config()
}

fn flag<T>(key: &str, value: &str, read: impl FnOnce(Config) -> T) -> Option<T> {
    load("", &[], &[(key, value)]).ok().map(read)
}

#[test]
fn without_layers_everything_has_its_default() {
    assert_eq!(load("", &[], &[]).unwrap(), Config::default());
}

#[test]
fn a_later_layer_wins_and_leaves_its_neighbours_alone() {
    let file = "[scheduler]\nport = 1\nflight_port = 1\nhttp_port = 1\n";
    let config = load(
        file,
        &[("scheduler.flight_port", "2"), ("scheduler.http_port", "2")],
        &[("scheduler.http_port", "3")],
    );
    let scheduler = config.unwrap().scheduler;
    assert_eq!((scheduler.port, scheduler.flight_port, scheduler.http_port), (1, 2, 3));
    assert_eq!(scheduler.job_timeout, Duration::from_hours(24));
}

#[test]
fn sizes_are_read_with_and_without_units() {
    let table = [
        ("128MiB", Some(128 << 20)),
        ("8 GB", Some(8_000_000_000)),
        ("123", Some(123)),
        ("1.5gib", Some(3 << 29)),
        ("512m", Some(512 << 20)),
        ("7B", Some(7)),
        ("1.5", None),
        ("-1", None),
        ("", None),
        ("MiB", None),
        ("1 XB", None),
        ("99999999999TiB", None),
    ];
    for (text, expected) in table {
        let size = flag("scratch.limit", text, |config| config.scratch.limit.bytes());
        assert_eq!(size, expected, "{text:?}");
    }
}

#[test]
fn sizes_are_written_so_that_they_read_back() {
    for (bytes, expected) in
        [(0, "0B"), (1, "1B"), (128 << 20, "128MiB"), (8_000_000_000, "8GB"), (1536, "1536B")]
    {
        assert_eq!(ByteSize::from_bytes(bytes).to_string(), expected);
        assert_eq!(flag("scratch.limit", expected, |config| config.scratch.limit.bytes()), Some(bytes));
    }
}

#[test]
fn durations_need_a_unit() {
    let table = [
        ("30s", Some(30_000)),
        ("5min", Some(300_000)),
        ("5m", Some(300_000)),
        ("1h 30min", Some(5_400_000)),
        ("1h30min", Some(5_400_000)),
        ("250 ms", Some(250)),
        ("2d", Some(172_800_000)),
        ("30", None),
        ("0s", None),
        ("s", None),
        ("", None),
        ("-1s", None),
        ("1 fortnight", None),
    ];
    for (text, expected) in table {
        let ms = flag("scheduler.job_timeout", text, |config| config.scheduler.job_timeout.as_millis());
        assert_eq!(ms, expected, "{text:?}");
    }
}

#[test]
fn a_memory_limit_is_a_share_or_a_size() {
    let table = [
        ("70%", Some(MemoryLimit::Percent(70))),
        ("8GiB", Some(MemoryLimit::Bytes(ByteSize::from_mib(8 << 10)))),
        ("0%", None),
        ("101%", None),
        ("0", None),
    ];
    for (text, expected) in table {
        assert_eq!(flag("memory.limit", text, |config| config.memory.limit), expected, "{text:?}");
    }
    let half = MemoryConfig { limit: MemoryLimit::Percent(50) }.resolve_memory_limit();
    let all = MemoryConfig { limit: MemoryLimit::Percent(100) }.resolve_memory_limit();
    assert!(half > 0 && half <= all / 2 + 1, "{half} of {all}");
}

#[test]
fn a_bad_value_is_named_and_quoted_with_its_origin() {
    let table = [
        (
            load("[s3]\nanonymous = \"maybe\"", &[], &[]),
            r#"cannot use "maybe" for s3.anonymous (from the file "some.toml")"#,
        ),
        (
            load("", &[("scheduler.port", "70000")], &[]),
            r#"cannot use "70000" for scheduler.port (from the environment variable GRISTMILL_SCHEDULER__PORT)"#,
        ),
        (
            load("", &[], &[("write.part_bytes", "1MiB")]),
            r#"cannot use "1MiB" for write.part_bytes (from the command line)"#,
        ),
        (
            load("[sql]\nbatch_size = 0", &[], &[]),
            r#"cannot use 0 for sql.batch_size (from the file "some.toml")"#,
        ),
        (load("s3 = 3", &[], &[]), r#"cannot use 3 for s3 (from the file "some.toml")"#),
        (load("", &[], &[("s3.endpiont", "x")]), r#"unknown setting "s3.endpiont" (from the command line)"#),
        (load("[s4]\nx = 1", &[], &[]), r#"unknown setting "s4" (from the file "some.toml")"#),
        (load("", &[], &[("endpoint", "x")]), r#"unknown setting "endpoint" (from the command line)"#),
        (load("", &[], &[("s3.", "x")]), r#"unknown setting "s3." (from the command line)"#),
        (
            load("", &[], &[("log.format", "xml")]),
            r#"cannot use "xml" for log.format (from the command line)"#,
        ),
        (
            load("", &[], &[("s3.endpoint", "host:1")]),
            r#"cannot use "host:1" for s3.endpoint (from the command line)"#,
        ),
        (load("", &[], &[("s3.access_key_id", "x")]), "s3.secret_access_key is missing"),
    ];
    for (result, expected) in table {
        let error = result.expect_err(expected);
        assert_eq!(error.code(), Code::BadConfiguration);
        assert_eq!(error.message(), expected);
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "no hint for {expected}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_quoted_with_the_line() {
    let error = load("[s3]\nregion = \n", &[], &[]).unwrap_err();
    assert_eq!(error.code(), Code::BadConfiguration);
    assert!(error.message().contains("some.toml") && error.message().contains("line 2"), "{error}");
}

#[test]
fn a_given_file_must_exist() {
    let error = Config::load(Some(Path::new("/no/such.toml")), &[]).unwrap_err();
    assert_eq!(error.code(), Code::BadConfiguration);
    assert!(error.message().contains("/no/such.toml"), "{error}");
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    let flags = [("s3.access_key_id", "007"), ("s3.secret_access_key", "1e5")];
    let s3 = load("", &flags, &[]).unwrap().s3;
    assert_eq!(s3.access_key_id.as_deref(), Some("007"));
    assert_eq!(s3.secret_access_key.unwrap().reveal(), "1e5");
}

#[test]
fn secrets_are_never_shown() {
    let file = "[s3]\naccess_key_id = \"id\"\nsecret_access_key = \"hunter2\"\nsession_token = \"hunter2\"\n";
    let config = load(file, &[], &[]).unwrap();
    let bad = load("[s3]\nsecret_access_key = [\"hunter2\"]", &[], &[]).unwrap_err();
    for shown in [format!("{config:?}"), config.to_toml_redacted().unwrap(), bad.report()] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("[redacted]"), "{shown}");
    }
}

#[test]
fn what_is_printed_reads_back() {
    let config = load("", &[], &[("s3.path_style", "true"), ("memory.limit", "3GiB")]).unwrap();
    let printed = config.to_toml_redacted().unwrap();
    assert_eq!(load(&printed, &[], &[]).unwrap(), config);
}

#[test]
fn only_variables_with_a_section_are_settings() {
    let table = [
        ("GRISTMILL_S3__ENDPOINT", Some("s3.endpoint")),
        ("GRISTMILL_SCHEDULER__FLIGHT_PORT", Some("scheduler.flight_port")),
        ("GRISTMILL_SCHEDULER_SERVICE_HOST", None),
        ("GRISTMILL_PORT", None),
        ("PATH", None),
    ];
    for (variable, expected) in table {
        assert_eq!(setting_of(variable).as_deref(), expected, "{variable}");
    }
}

#[test]
fn the_smallest_control_group_limit_counts() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a/b/memory.max", "max\n");
    write("a/memory.max", "4096\n");
    write("memory.max", "8192\n");
    write("memory/x/memory.limit_in_bytes", "1024\n");
    let table = [
        ("0::/a/b\n", Some(4096)),
        ("0::/not/here\n", Some(8192)),
        ("5:cpu,memory:/x\n0::/a\n", Some(1024)),
        ("5:cpu:/x\n", None),
        ("", None),
    ];
    for (groups, expected) in table {
        assert_eq!(control_group_limit(groups, root.path()), expected, "{groups:?}");
    }
}
