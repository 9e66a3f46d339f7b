//! A job on the cluster: what it goes through, who drives it, and the rows that come out.

mod driver;
mod failure;
mod rows;
mod state;

pub(crate) use driver::{Driver, JobWatch};
pub(crate) use rows::job_rows;
pub(crate) use state::Limits;

use gristmill_engine::backend::JobProgress;
use std::sync::Arc;

/// What the cluster last said about a job.
#[derive(Debug, Clone)]
pub(crate) enum Signal {
    /// Nothing yet.
    Unknown,
    /// It is being cut into stages.
    Queued,
    /// Its tasks run, or wait for a free executor.
    Running,
    /// Every stage is done.
    Succeeded(Arc<Finished>),
    /// It failed or was cancelled; the text is the cluster's.
    Failed(Arc<str>),
}

/// A job that has succeeded.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Where its result is, by partition.
    pub(crate) parts: Vec<ResultPart>,
    /// What it took.
    pub(crate) progress: JobProgress,
}

/// One file of a result, on the executor that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ResultPart {
    pub(crate) partition: usize,
    pub(crate) file_id: Option<u64>,
    pub(crate) job: String,
    pub(crate) stage: usize,
    /// Whether all partitions of a task are in one file.
    pub(crate) sorted: bool,
    pub(crate) executor: ExecutorAddress,
}

/// An executor, and where its exchange files are served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExecutorAddress {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How far a job is. Two that differ mean that something happened in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) progress: JobProgress,
    /// Tasks ever started, retries included.
    pub(crate) started_tasks: u64,
    /// Rows that went through the operators of running tasks.
    pub(crate) live_rows: u64,
}
