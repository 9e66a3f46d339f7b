//! The words that cross a wire or lie on disk: our plan nodes, statistics of shards, the manifest, and reports of statements.

pub mod manifest;
pub mod statement_report;

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
