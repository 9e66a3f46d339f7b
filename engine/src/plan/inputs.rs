//! The files a plan reads.

use super::plan_physically;
use crate::error::{Code, Error, Kind, Result};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::SessionState;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many files are looked at again at a time.
const CHECKS_IN_FLIGHT: usize = 32;

/// How long it may take to find out whether a failure is that of a changed input.
const EXPLAIN_LIMIT: Duration = Duration::from_secs(5);

/// The files a plan reads, as they were when it was planned.
#[derive(Debug, Clone, Default)]
pub struct InputFiles {
    /// By store and path: a file read twice is there once.
    files: BTreeMap<(String, String), (ObjectStoreUrl, ObjectMeta)>,
}

/// How much a plan reads, as far as files say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InputSize {
    /// The sizes of the files, added up.
    pub bytes: u64,
    /// How many rows are read, and made where all rows of two inputs are paired; none where not every input says how many
    /// it has.
    pub rows: Option<u64>,
}

/// How much `plan` would read: a function of its files. Plans it physically, runs nothing.
///
/// # Errors
/// Those of planning.
pub async fn input_size(state: &SessionState, plan: &LogicalPlan) -> Result<InputSize> {
    let physical = plan_physically(state, plan).await?;
    let bytes = InputFiles::of(&physical)?.total_bytes();
    Ok(InputSize { bytes, rows: rows_read(physical.as_ref()) })
}

/// What the optimizer expects an operator to give depends on how the plan is divided among tasks, so only what is at the
/// leaves counts.
fn rows_read(plan: &dyn ExecutionPlan) -> Option<u64> {
    let children = plan.children();
    if children.is_empty() {
        let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new()).ok()?;
        return statistics.num_rows.get_value().map(|rows| *rows as u64);
    }
    let rows = children.into_iter().map(|child| rows_read(child.as_ref()));
    let rows = rows.collect::<Option<Vec<u64>>>()?.into_iter();
    let pairs_all = plan.is::<CrossJoinExec>() || plan.is::<NestedLoopJoinExec>();
    Some(if pairs_all { rows.fold(1, u64::saturating_mul) } else { rows.fold(0, u64::saturating_add) })
}

impl InputFiles {
    /// The files that `plan` reads.
    ///
    /// # Errors
    /// None of its own; those of walking the plan.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<InputFiles> {
        let mut files = BTreeMap::new();
        plan.apply(|node| {
            if let Some(scan) = node.downcast_ref::<DataSourceExec>()
                && let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>()
            {
                let store = &config.object_store_url;
                for file in config.file_groups.iter().flat_map(|group| group.iter()) {
                    let meta = file.object_meta.clone();
                    let key = (store.as_str().to_owned(), meta.location.to_string());
                    files.insert(key, (store.clone(), meta));
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(InputFiles { files })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.files.len() as u64
    }

    /// Their sizes added up.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.values().map(|(_, meta)| meta.size).sum()
    }

    /// What really happened when reading failed with `error`: a file that was replaced while it was read fails in many
    /// ways, and errors of decoding do not say in which file.
    pub async fn explain(&self, runtime: &RuntimeEnv, error: Error) -> Error {
        if !matches!(error.kind(), Kind::Data | Kind::NotFound | Kind::Unavailable) {
            return error;
        }
        // A store that is down must not be waited for a second time.
        let check = tokio::time::timeout(EXPLAIN_LIMIT, self.check_unchanged(runtime)).await;
        match check.unwrap_or(Ok(())) {
            Err(changed) if changed.code() == Code::InputChanged => changed.with_source(error),
            _ => match self.place() {
                Some(place) if error.is_from_decoding() => error.context(place),
                _ => error,
            },
        }
    }

    /// Where the files are: the file, or the first of them and their number.
    fn place(&self) -> Option<String> {
        let (store, meta) = self.files.values().next()?;
        // The URL of the local store ends in a slash, which is the one that paths start with.
        let first = format!("{}{}", store.as_str().trim_start_matches("file://"), meta.location);
        Some(match self.files.len() {
            1 => format!("reading {first}"),
            count => format!("reading one of {count} files, of which the first is {first}"),
        })
    }

    /// Checks that every file is still what it was when the plan was made.
    ///
    /// # Errors
    /// `InputChanged`, naming the first file that is not.
    pub async fn check_unchanged(&self, runtime: &RuntimeEnv) -> Result<()> {
        futures::stream::iter(self.files.values().map(Ok))
            .try_for_each_concurrent(CHECKS_IN_FLIGHT, |(store, meta)| check_file(runtime, store, meta))
            .await
    }
}

async fn check_file(runtime: &RuntimeEnv, url: &ObjectStoreUrl, meta: &ObjectMeta) -> Result<()> {
    let changed = |what: &str| {
        Error::new(Code::InputChanged, format!("{}{} {what} while it was read", url.as_str(), meta.location))
            .with_hint("run the statement again; write inputs under new names instead of replacing them")
    };
    let now = match runtime.object_store(url)?.head(&meta.location).await {
        Ok(now) => now,
        Err(object_store::Error::NotFound { .. }) => return Err(changed("was removed")),
        Err(error) => return Err(crate::storage::error(&meta.location, error)),
    };
    let same_tag = match (&now.e_tag, &meta.e_tag) {
        (Some(now), Some(then)) => now == then,
        _ => now.last_modified == meta.last_modified,
    };
    if now.size == meta.size && same_tag { Ok(()) } else { Err(changed("changed")) }
}
