//! What a value must be beyond its type. One row per rule.

use super::{ByteSize, Config};
use url::Url;

/// A setting whose value breaks a rule.
#[derive(Debug)]
pub(super) struct Violation {
    /// The setting, as `section.key`.
    pub(super) key: &'static str,
    /// What it must be, continuing the word "expected".
    pub(super) expected: &'static str,
}

/// The first rule that `config` breaks.
pub(super) fn first_violation(config: &Config) -> Option<Violation> {
    let (s3, write) = (&config.s3, &config.write);
    // S3 refuses parts outside of this range.
    let part_sizes = ByteSize::from_mib(5)..=ByteSize::from_mib(5 << 10);
    let rules = [
        ("sql.batch_size", config.sql.batch_size > 0, "at least 1"),
        ("write.target_shard_bytes", write.target_shard_bytes.bytes() > 0, "at least 1 byte"),
        ("write.part_bytes", part_sizes.contains(&write.part_bytes), "a size from \"5MiB\" to \"5GiB\""),
        ("write.uploads_in_flight", write.uploads_in_flight > 0, "at least 1"),
        ("write.open_shards", write.open_shards > 0, "at least 1"),
        ("scratch.dir", !config.scratch.dir.as_os_str().is_empty(), "the path of a folder"),
        (
            "s3.endpoint",
            s3.endpoint.as_deref().is_none_or(is_web_address),
            "http://host:port or https://host",
        ),
        (
            "s3.secret_access_key",
            s3.secret_access_key.is_some() || s3.access_key_id.is_none(),
            "a secret, because s3.access_key_id is set",
        ),
        (
            "s3.access_key_id",
            s3.access_key_id.is_some() || (s3.secret_access_key.is_none() && s3.session_token.is_none()),
            "a key id, because s3.secret_access_key or s3.session_token is set",
        ),
        ("scheduler.max_message_bytes", max_message_fits(config), "a size from \"1MiB\" to \"2GiB\""),
        (
            "executor.heartbeat",
            config.executor.heartbeat < config.scheduler.executor_timeout,
            "less than scheduler.executor_timeout",
        ),
        ("log.level", !config.log.level.is_empty(), "a level such as \"info\""),
    ];
    rules.into_iter().find(|(_, holds, _)| !holds).map(|(key, _, expected)| Violation { key, expected })
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The length of a gRPC message is 32 bits on the wire, and its readers use signed ones.
fn max_message_fits(config: &Config) -> bool {
    (ByteSize::from_mib(1)..=ByteSize::from_mib(2 << 10)).contains(&config.scheduler.max_message_bytes)
}
