//! The words that cross a wire or lie on disk: our plan nodes, statistics of shards, the manifest, and reports of statements.

pub mod manifest;
pub mod statement_report;

/// What scheduler and executors tell each other, beside what Ballista does.
#[allow(
    missing_docs,
    clippy::allow_attributes,
    reason = "generated from cluster.proto, which documents each field"
)]
pub mod cluster {
    tonic::include_proto!("gristmill.cluster.v1");

    /// The action of an executor's data port that takes an [`EndJob`].
    pub const END_JOB: &str = "gristmill.end_job";
}

/// Plan nodes of ours, as executors receive them.
#[allow(
    missing_docs,
    clippy::allow_attributes,
    reason = "generated from plan.proto, which documents each field"
)]
pub mod plan {
    tonic::include_proto!("gristmill.plan.v1");
}

/// Statistics of shards, as tasks give them to the committer.
#[allow(
    missing_docs,
    clippy::allow_attributes,
    reason = "generated from statistics.proto, which documents each field"
)]
pub mod statistics {
    tonic::include_proto!("gristmill.statistics.v1");
}
