//! `[scratch]`, `[s3]` and `[write]`: where bytes go.

use super::value::{ByteSize, Secret, duration, optional_scalar, scalar};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Where operators spill and exchanges are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScratchConfig {
    /// A folder on a fast disk, made when it is first needed; default `gristmill-<user id>` in the system's
    /// temporary folder.
    pub dir: PathBuf,
    /// How much of the disk may be taken; default `"100GiB"`.
    pub limit: ByteSize,
}

impl Default for ScratchConfig {
    fn default() -> Self {
        Self {
            dir: std::env::temp_dir().join(format!("gristmill{}", user_suffix())),
            limit: ByteSize::from_mib(100 << 10),
        }
    }
}

impl ScratchConfig {
    /// Makes the folder if it is not there, readable by its owner only, and gives its path.
    ///
    /// # Errors
    /// The folder cannot be made: `AccessDenied`, `ResourcesExhausted` or `StorageUnavailable`.
    pub fn create(&self) -> Result<PathBuf> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.dir).map_err(|error| {
            Error::from_io(error, self.dir.display()).context("could not make [scratch] dir")
        })?;
        Ok(self.dir.clone())
    }
}

/// Keeps the scratch folders of two users of one machine apart.
fn user_suffix() -> String {
    #[cfg(target_os = "linux")]
    if let Ok(metadata) = fs::metadata("/proc/self") {
        return format!("-{}", std::os::unix::fs::MetadataExt::uid(&metadata));
    }
    String::new()
}

/// How S3, or a store that speaks its protocol, is reached.
///
/// What is not set here comes from the standard `AWS_*` variables (`AWS_REGION`, `AWS_ENDPOINT_URL_S3`,
/// `AWS_ACCESS_KEY_ID`, …), then from a web identity token, container credentials or the instance's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The address of the store, `http://…` or `https://…`; default: Amazon's for the region.
    #[serde(deserialize_with = "optional_scalar")]
    pub endpoint: Option<String>,
    /// The region of the buckets; default `us-east-1`.
    #[serde(deserialize_with = "optional_scalar")]
    pub region: Option<String>,
    /// Whether the bucket is written in the path and not in the host name; default: yes when there is an endpoint.
    #[serde(deserialize_with = "optional_scalar")]
    pub path_style: Option<bool>,
    /// Whether unencrypted connections are allowed; default: when the endpoint starts with `http://`.
    #[serde(deserialize_with = "optional_scalar")]
    pub allow_http: Option<bool>,
    /// The key id of fixed credentials; with it no `AWS_*` credentials are used.
    #[serde(deserialize_with = "optional_scalar")]
    pub access_key_id: Option<String>,
    /// The secret of fixed credentials.
    #[serde(deserialize_with = "optional_scalar")]
    pub secret_access_key: Option<Secret>,
    /// The session token of fixed credentials that expire.
    #[serde(deserialize_with = "optional_scalar")]
    pub session_token: Option<Secret>,
    /// Whether requests go out unsigned, for public buckets; default `false`.
    #[serde(deserialize_with = "scalar")]
    pub anonymous: bool,
    /// How long one request may take, body included; default `"30s"`.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// How long connecting may take; default `"5s"`.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// How often a failed request is tried again; default 10.
    #[serde(deserialize_with = "scalar")]
    pub max_retries: usize,
    /// How long a failed request is tried again; default `"3min"`, and below 5 min because retries are not signed
    /// anew.
    #[serde(with = "duration")]
    pub retry_timeout: Duration,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            path_style: None,
            allow_http: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            anonymous: false,
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_retries: 10,
            retry_timeout: Duration::from_mins(3),
        }
    }
}

/// How shards are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriteConfig {
    /// The size at which a shard is closed and the next one opened, where no count is given; default `"128MiB"`.
    pub target_shard_bytes: ByteSize,
    /// The size of one part of an upload to S3; default `"8MiB"`, from `"5MiB"` to `"5GiB"`.
    pub part_bytes: ByteSize,
    /// How many parts of one shard are uploaded at a time; default 4. A shard that is being written to S3 holds at
    /// most `part_bytes` × (`uploads_in_flight` + 1) bytes.
    #[serde(deserialize_with = "scalar")]
    pub uploads_in_flight: usize,
    /// Whether files are flushed to the disk before they are published; default `true`.
    #[serde(deserialize_with = "scalar")]
    pub sync: bool,
    /// How many shards a task may write at a time; default 32.
    #[serde(deserialize_with = "scalar")]
    pub open_shards: usize,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self {
            target_shard_bytes: ByteSize::from_mib(128),
            part_bytes: ByteSize::from_mib(8),
            uploads_in_flight: 4,
            sync: true,
            open_shards: 32,
        }
    }
}
