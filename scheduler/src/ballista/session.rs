//! The settings of sessions whose plans run on executors.

use ballista_core::extension::SessionConfigExt;
use ballista_core::optimizer::NotInSubqueryRewrite;
use datafusion::optimizer::OptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use gristmill_engine::config::Config;
use gristmill_engine::session::with_settings;
use std::net::IpAddr;
use std::sync::Arc;

/// A build side below this goes whole to every task of the join; above it both sides are exchanged.
///
/// Ballista's 128 MiB lets every task build a table of that size again; DataFusion's own 1 MiB exchanges the large side
/// for every small dimension.
const BROADCAST_BYTES: usize = 32 << 20;
/// Three tries of a fetch; with Ballista's 3 s a lost executor is only noticed after ten.
const FETCH_PAUSE_MS: u64 = 500;

/// What cluster sessions start from: Ballista's settings, which switch off what is wrong across stages, and ours.
pub(super) fn base_config(config: &Config) -> SessionConfig {
    SessionConfig::new_with_ballista()
        // A lost executor would hang the job, and rules of the session would be dropped (Ballista #1986).
        .with_ballista_adaptive_query_planner(false)
        .with_ballista_grpc_client_max_message_size(config.scheduler.max_message_bytes.as_usize())
        .with_ballista_broadcast_join_threshold_bytes(BROADCAST_BYTES)
        .set_str("ballista.shuffle.compression.codec", exchange_codec(config))
        .set_u64("ballista.client.io_retry_wait_time_ms", FETCH_PAUSE_MS)
        .set_usize("datafusion.optimizer.hash_join_single_partition_threshold", BROADCAST_BYTES)
        // Without it every join sorts both sides: four times the time. A build side that does not fit its task's
        // memory fails, as it does in one process.
        .set_bool("datafusion.optimizer.prefer_hash_join", true)
}

/// How exchange files are compressed.
///
/// A network costs more than lz4 does. A scheduler that listens on loopback has all its executors on one machine, where
/// compression is 13 % of the processor time of TPC-H at scale 1, and saves nothing but space.
fn exchange_codec(config: &Config) -> &'static str {
    let host = config.scheduler.bind_host.as_str();
    let is_loopback =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback { "none" } else { "lz4" }
}

/// Rules that must come before DataFusion's: `NOT IN` would become a join that only works in one process.
pub(super) fn first_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    vec![Arc::new(NotInSubqueryRewrite::new())]
}

/// The session as one job sees it: its id, which executors know their caches by, and settings for `plan`.
///
/// Ballista plans a job with the settings of its session. Cutting the plan into stages may add exchanges, and those
/// should have as many partitions as the plan was made for, and not Ballista's 16.
pub(super) fn job_context(
    session: &SessionContext,
    plan: &Arc<dyn ExecutionPlan>,
    vcores: usize,
) -> SessionContext {
    with_settings(session, |config| {
        let untouched = config.target_partitions() == SessionConfig::new_with_ballista().target_partitions();
        let config =
            config.set_usize("ballista.scheduler.max_partitions_per_task", max_partitions_per_task(plan));
        if untouched { config.with_target_partitions(vcores) } else { config }
    })
}

/// One partition a task for plans that write, so that what a retry writes again is small; otherwise as many as an
/// executor has room for (0), so that a stage is one task and one exchange file per executor.
fn max_partitions_per_task(plan: &Arc<dyn ExecutionPlan>) -> usize {
    usize::from(writes(plan))
}

fn writes(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() == "WriteExec" || plan.children().into_iter().any(writes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gristmill_engine::config::SchedulerConfig;

    fn codec(bind_host: &str) -> &'static str {
        let scheduler = SchedulerConfig { bind_host: bind_host.to_owned(), ..SchedulerConfig::default() };
        exchange_codec(&Config { scheduler, ..Config::default() })
    }

    #[test]
    fn exchange_files_are_compressed_where_there_is_a_network() {
        let hosts = ["127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.7", "node1"];
        assert_eq!(hosts.map(codec), ["none", "none", "none", "lz4", "lz4", "lz4"]);
    }

    #[test]
    fn every_setting_of_ours_is_one_that_ballista_has() {
        let config = base_config(&Config::default());
        let entries = config.options().entries();
        for (key, value) in [
            ("ballista.planner.adaptive.enabled", "false"),
            ("ballista.shuffle.compression.codec", "none"),
            ("ballista.client.io_retry_wait_time_ms", "500"),
            ("ballista.client.grpc_max_message_size", "268435456"),
            ("datafusion.optimizer.prefer_hash_join", "true"),
            ("datafusion.optimizer.enable_dynamic_filter_pushdown", "false"),
        ] {
            let found =
                entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.as_deref());
            assert_eq!(found, Some(value), "{key}");
        }
    }
}
