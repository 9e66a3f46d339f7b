//! What a statement warns of, told to who runs it from the command line.

use crate::process::Program;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs statements through `program` with `arguments`, which say where.
///
/// # Panics
/// When a warning is not told, or told to someone who asked for quiet.
pub fn check(program: &Program, arguments: &[&str]) {
    let run = |name: &str, more: &[&str], clauses: &str, query: &str| {
        let location = program.folder().join(name).display().to_string();
        let sql = format!("CREATE TRAINING SET s LOCATION '{location}' STORED AS CSV {clauses} AS {query}");
        let arguments = [&["sql", "--format", "csv"], arguments, more, &[&sql]].concat();
        let finished = program.run(&arguments, LIMIT);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stdout.starts_with("split,shards,rows,bytes,location\n"), "{}", finished.stdout);
        finished.stderr
    };
    let two_rows = "SELECT * FROM (VALUES (1), (2)) AS t(a)";
    let few = "warning: split train has 2 rows, fewer than its 4 shards: 2 of them have a row, the others are not there";
    let told = run("few", &[], "OPTIONS ('shards' '4')", two_rows);
    assert!(told.lines().any(|line| line == few), "{told}");
    assert_eq!(run("quiet", &["-q"], "OPTIONS ('shards' '4')", two_rows), "");
    let reported = "EXPECT (RowCount > 5) OPTIONS ('on_violation' 'report')";
    let told = run("reported", &[], reported, two_rows);
    assert!(
        told.lines().any(|line| line.starts_with("warning: ") && line.contains("RowCount > 5")),
        "{told}"
    );
    let by_time = "SPLIT (train 0.5, test 0.5) BY TIME (a)";
    let told = run("limit", &[], by_time, &format!("{two_rows} LIMIT 2"));
    let open = "warning: SPLIT BY TIME reads the query twice, and LIMIT without ORDER BY may give other rows each time";
    assert!(told.contains(open), "{told}");
    let told = run("ordered", &[], by_time, &format!("{two_rows} ORDER BY a LIMIT 2"));
    assert!(!told.contains("warning"), "{told}");
}
