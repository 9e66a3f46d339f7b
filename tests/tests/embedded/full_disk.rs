//! A place with too little room: files cannot grow beyond a limit of the process, which is to a writer what a full disk
//! is.

use crate::program;
use std::time::Duration;
use tests::paths::files_below;

const LIMIT: Duration = Duration::from_secs(60);
/// A fraction of what is to be written.
const ROOM_BYTES: u64 = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_training_set_that_does_not_fit_leaves_nothing() {
    let program = program().with_largest_file(ROOM_BYTES);
    let lineitem = tests::data::tpch_small().await.join("lineitem.parquet");
    let out = program.folder().join("out");
    let script = format!(
        "CREATE EXTERNAL TABLE lineitem STORED AS PARQUET LOCATION '{}';
         CREATE TRAINING SET s LOCATION '{}' STORED AS CSV AS SELECT * FROM lineitem",
        lineitem.display(),
        out.display()
    );
    let finished = program.run(&["run", "-c", &script], LIMIT);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    for part in ["error[GM0016]", out.to_str().unwrap(), "hint: free space there"] {
        assert!(finished.stderr.contains(part), "does not say {part}\n{}", finished.stderr);
    }
    assert_eq!(files_below(&out), Vec::<String>::new());
}
