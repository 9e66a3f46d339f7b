//! The only constructor of `SessionState`, and of what it stands on.

use super::balance_scans::{self, BalanceScans};
use super::functions::add_functions;
use super::options::SessionOptions;
use super::partition_outer_joins::{self, PartitionOuterJoins};
use crate::config::Config;
use crate::error::Result;
use crate::plan::TrainingSetPlanner;
use crate::storage::Stores;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::optimizer::OptimizerRule;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Where a session's plans run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In this process.
    Embedded,
    /// On executors: plans cross processes.
    Cluster,
}

type PhysicalRule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// How many of the largest memory consumers an out-of-memory error names.
const TOP_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// The settings of a new session.
///
/// Embedded sessions start from DataFusion's own settings; cluster sessions start from `base`, which has switched off
/// what is wrong across stages.
#[must_use]
pub fn session_config(mode: Mode, base: SessionConfig, config: &Config) -> SessionConfig {
    let options = SessionOptions { spark_functions: config.sql.spark_functions };
    let mut session = base.with_information_schema(true).with_batch_size(config.sql.batch_size);
    session = session.with_option_extension(options);
    match (config.sql.target_partitions, mode) {
        (0, Mode::Embedded) => {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
            session.with_target_partitions(cores)
        }
        // As many as the cluster has room for, which each statement finds out.
        (0, Mode::Cluster) => session,
        (partitions, _) => session.with_target_partitions(partitions),
    }
}

/// What sessions share: object stores, the memory budget and the scratch folder for spilling.
///
/// **Limits** memory: `[memory] limit`, shared fairly between operators that can spill; scratch: `[scratch] limit`.
///
/// # Errors
/// `BadConfiguration` for a limit that cannot be resolved; `AccessDenied` and the like for the scratch folder.
pub fn build_runtime(config: &Config, stores: Arc<Stores>) -> Result<Arc<RuntimeEnv>> {
    let memory_bytes = usize::try_from(config.memory.resolve_memory_limit()).unwrap_or(usize::MAX);
    let pool = TrackConsumersPool::new(FairSpillPool::new(memory_bytes), TOP_CONSUMERS);
    let scratch = config.scratch.create()?;
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![scratch]))
        .with_max_temp_directory_size(config.scratch.limit.bytes());
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_object_store_registry(stores)
        // The cache never expires: a session would not see files that were added after it first listed a folder.
        .with_object_list_cache_limit(0)
        .build_arc()?;
    Ok(runtime)
}

/// The session state of every role: functions, our plan nodes, and `first_rules` before DataFusion's optimizer rules.
#[must_use]
pub fn build_state(
    mode: Mode,
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    stores: Arc<Stores>,
    first_rules: &[Arc<dyn OptimizerRule + Send + Sync>],
) -> SessionState {
    let mut builder = SessionStateBuilder::new_with_default_features()
        .with_physical_optimizer_rules(physical_rules(mode, &runtime))
        .with_config(config)
        .with_runtime_env(runtime)
        .with_query_planner(Arc::new(TrainingSetPlanner::new(stores)));
    if !first_rules.is_empty() {
        let defaults = datafusion::optimizer::Optimizer::default().rules;
        let first = first_rules.iter().cloned();
        let names: Vec<&str> = first_rules.iter().map(|rule| rule.name()).collect();
        let rest = defaults.into_iter().filter(|rule| !names.contains(&rule.name()));
        builder = builder.with_optimizer_rules(first.chain(rest).collect());
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds session states")]
    add_functions(builder).build()
}

/// DataFusion's physical rules, and ours among them.
fn physical_rules(mode: Mode, runtime: &RuntimeEnv) -> Vec<PhysicalRule> {
    let mut rules = PhysicalOptimizer::default().rules;
    insert_after(&mut rules, balance_scans::AFTER, Arc::new(BalanceScans::new(runtime)));
    if mode == Mode::Cluster {
        insert_after(&mut rules, partition_outer_joins::AFTER, Arc::new(PartitionOuterJoins));
    }
    rules
}

/// Puts `rule` right after the one that is named `after`.
fn insert_after(rules: &mut Vec<PhysicalRule>, after: &str, rule: PhysicalRule) {
    let index = rules.iter().position(|rule| rule.name() == after).map_or(rules.len(), |index| index + 1);
    rules.insert(index, rule);
}
