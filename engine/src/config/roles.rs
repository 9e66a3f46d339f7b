//! `[sql]`, `[scheduler]`, `[executor]`, `[client]` and `[log]`: what each role of the binary does.

use super::value::{ByteSize, duration, scalar};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const LOOPBACK: &str = "127.0.0.1";

/// How statements are planned, until a session says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqlConfig {
    /// How many partitions a plan aims at; default 0: as many as there are cores.
    #[serde(deserialize_with = "scalar")]
    pub target_partitions: usize,
    /// How many rows a batch has at most; default 8192.
    #[serde(deserialize_with = "scalar")]
    pub batch_size: usize,
    /// Whether Spark's variant of a function is taken where DataFusion has one of the same name; default `false`.
    #[serde(deserialize_with = "scalar")]
    pub spark_functions: bool,
}

impl Default for SqlConfig {
    fn default() -> Self {
        Self { target_partitions: 0, batch_size: 8192, spark_functions: false }
    }
}

/// The role `gristmill scheduler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    /// The address that all ports listen on; default `"127.0.0.1"`.
    #[serde(deserialize_with = "scalar")]
    pub bind_host: String,
    /// The name that executors and clients reach it by; default `"127.0.0.1"`.
    #[serde(deserialize_with = "scalar")]
    pub external_host: String,
    /// The port for executors; default 50050, 0: any free one.
    #[serde(deserialize_with = "scalar")]
    pub port: u16,
    /// The Flight SQL port for clients; default 8815, 0: any free one.
    #[serde(deserialize_with = "scalar")]
    pub flight_port: u16,
    /// The port of health checks; default 8816, 0: any free one.
    #[serde(deserialize_with = "scalar")]
    pub http_port: u16,
    /// How long a session lives without a call; default `"30min"`.
    #[serde(with = "duration")]
    pub session_idle_timeout: Duration,
    /// How long a job may take; default `"24h"`.
    #[serde(with = "duration")]
    pub job_timeout: Duration,
    /// How long a job may take without any task making progress; default `"15min"`.
    #[serde(with = "duration")]
    pub no_progress_timeout: Duration,
    /// How long a job waits for the first executor; default `"30s"`.
    #[serde(with = "duration")]
    pub executor_wait: Duration,
    /// How long after its last heartbeat an executor counts as lost; default `"30s"`.
    #[serde(with = "duration")]
    pub executor_timeout: Duration,
    /// The largest message between the processes of a cluster; default `"256MiB"`.
    pub max_message_bytes: ByteSize,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            bind_host: LOOPBACK.to_owned(),
            external_host: LOOPBACK.to_owned(),
            port: 50050,
            flight_port: 8815,
            http_port: 8816,
            session_idle_timeout: Duration::from_mins(30),
            job_timeout: Duration::from_hours(24),
            no_progress_timeout: Duration::from_mins(15),
            executor_wait: Duration::from_secs(30),
            executor_timeout: Duration::from_secs(30),
            max_message_bytes: ByteSize::from_mib(256),
        }
    }
}

/// The role `gristmill executor`; its scratch folder is that of `[scratch]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutorConfig {
    /// The address that both ports listen on; default `"127.0.0.1"`.
    #[serde(deserialize_with = "scalar")]
    pub bind_host: String,
    /// The name that the scheduler and other executors reach it by; default `"127.0.0.1"`.
    #[serde(deserialize_with = "scalar")]
    pub external_host: String,
    /// The port for data; default 50051, 0: any free one.
    #[serde(deserialize_with = "scalar")]
    pub port: u16,
    /// The port for control; default 50052, 0: any free one.
    #[serde(deserialize_with = "scalar")]
    pub control_port: u16,
    /// Where the scheduler is; default `"127.0.0.1"`.
    #[serde(deserialize_with = "scalar")]
    pub scheduler_host: String,
    /// The scheduler's port for executors; default 50050.
    #[serde(deserialize_with = "scalar")]
    pub scheduler_port: u16,
    /// How many tasks run at a time; default 0: as many as there are cores.
    #[serde(deserialize_with = "scalar")]
    pub vcores: usize,
    /// How often the scheduler hears from it; default `"5s"`.
    #[serde(with = "duration")]
    pub heartbeat: Duration,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            bind_host: LOOPBACK.to_owned(),
            external_host: LOOPBACK.to_owned(),
            port: 50051,
            control_port: 50052,
            scheduler_host: LOOPBACK.to_owned(),
            scheduler_port: 50050,
            vcores: 0,
            heartbeat: Duration::from_secs(5),
        }
    }
}

/// Where the command line sends its statements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// The scheduler, as `grpc://host:port`; default `""`: statements run in this process.
    #[serde(deserialize_with = "scalar")]
    pub connect: String,
}

/// What is logged to stderr, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`) or a filter as `warn,gristmill_engine=debug`; default
    /// `"warn"`.
    #[serde(deserialize_with = "scalar")]
    pub level: String,
    /// `"text"` for people or `"json"`, one object a line; default `"text"`.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "warn".to_owned(), format: LogFormat::Text }
    }
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
