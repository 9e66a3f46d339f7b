//! The invariants of `ARCHITECTURE.md` that a program can check: by reading the sources, not by running them.

use std::collections::BTreeSet;
use std::path::Path;
use tests::paths::{files_below, repository};

const CRATES: [&str; 8] = ["proto", "udfs", "engine", "scheduler", "executor", "cli", "tests", "benches"];
/// No file has more lines, its tests aside.
const MOST_LINES: usize = 400;

/// A file of a crate's `src`, relative to that, without comments and tests.
struct Source {
    path: String,
    code: Vec<String>,
}

/// The sources of a crate. Files and modules of tests are left out: they may do what they need to.
fn sources(name: &str) -> Vec<Source> {
    let folder = repository().join(name).join("src");
    let files = files_below(&folder).into_iter().filter(|path| path.ends_with(".rs"));
    let files = files.filter(|path| !path.split('/').any(|part| part == "tests.rs" || part == "tests"));
    files.map(|path| Source { code: product_lines(&folder.join(&path)), path }).collect()
}

fn product_lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // A module of tests ends a file; `#[cfg(test)] mod tests;` in its head is one line of two.
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    lines[..tests.unwrap_or(lines.len())].to_vec()
}

/// The places in a crate where a line of code matches: files, or the folder of `src` they are in.
fn places(name: &str, matches: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let matches = |source: &Source| {
        source.code.iter().map(|line| line.trim_start()).filter(|line| !line.starts_with("//")).any(&matches)
    };
    let sources = sources(name).into_iter().filter(matches);
    sources.map(|source| source.path.split('/').next().unwrap().to_owned()).collect()
}

#[test]
fn crates_depend_on_one_another_in_one_direction() {
    let allowed = |name: &str| match name {
        "proto" | "udfs" => &[][..],
        "engine" => &["proto", "udfs"],
        "scheduler" | "executor" => &["proto", "udfs", "engine"],
        "cli" => &["proto", "udfs", "engine", "scheduler", "executor"],
        _ => &["proto", "udfs", "engine", "scheduler", "executor", "cli"],
    };
    for name in CRATES {
        let text = std::fs::read_to_string(repository().join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for dependency in dependencies.keys().filter(|key| key.starts_with("gristmill")) {
                let other = dependency.strip_prefix("gristmill-").unwrap_or("cli");
                assert!(allowed(name).contains(&other), "{name} depends on {other}");
            }
        }
    }
}

#[test]
fn ballista_is_named_in_one_place_of_each_crate() {
    for name in CRATES {
        let places = places(name, |line| line.contains(concat!("ballista", "_")));
        assert!(places.len() <= 1, "{name}: {places:?}");
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for name in CRATES {
        let places = places(name, |line| {
            ["env::var(", "env::var_os(", "env::vars"].iter().any(|it| line.contains(it))
        });
        let allowed = BTreeSet::from_iter((name == "engine").then(|| "config".to_owned()));
        assert!(places.is_subset(&allowed), "{name}: {places:?}");
    }
}

#[test]
fn sessions_are_built_in_one_place() {
    let builders = ["SessionContext::new", "SessionStateBuilder::", "SessionState::new"];
    for name in CRATES {
        let places = places(name, |line| builders.iter().any(|builder| line.contains(builder)));
        // Benchmarks run plain DataFusion as a peer.
        let allowed = match name {
            "engine" => BTreeSet::from(["session".to_owned(), "session.rs".to_owned()]),
            "benches" => places.clone(),
            _ => BTreeSet::new(),
        };
        assert!(places.is_subset(&allowed), "{name}: {places:?}");
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for name in CRATES {
        for source in sources(name) {
            assert!(
                source.code.len() <= MOST_LINES,
                "{name}/src/{}: {} lines",
                source.path,
                source.code.len()
            );
        }
    }
}

#[test]
fn no_test_is_ignored() {
    let ignore = concat!("#[", "ignore");
    for name in CRATES {
        let folder = repository().join(name);
        for path in files_below(&folder).iter().filter(|path| path.ends_with(".rs")) {
            let text = std::fs::read_to_string(folder.join(path)).unwrap();
            assert!(!text.contains(ignore), "{name}/{path}");
        }
    }
}
