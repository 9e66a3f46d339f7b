//! The words that cross a wire or lie on disk: our plan nodes, and the manifest.

pub mod manifest;

/// Plan nodes of ours, as executors receive them.
#[allow(
    missing_docs,
    clippy::allow_attributes,
    reason = "generated from plan.proto, which documents each field"
)]
pub mod plan {
    tonic::include_proto!("gristmill.plan.v1");
}
