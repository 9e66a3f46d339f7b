//! `[memory]`: the budget of queries, and how much memory there is to take a share of.

use super::value::{ByteSize, Scalar, scalar};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fs;
use std::path::Path;

/// How much memory queries of this process may take before they spill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryConfig {
    /// The budget of all queries together; default `"70%"` of the machine or of the container.
    pub limit: MemoryLimit,
}

impl MemoryConfig {
    /// The budget in bytes: the limit itself, or its share of the memory that this process may use now.
    #[must_use]
    pub fn resolve_memory_limit(&self) -> u64 {
        match self.limit {
            MemoryLimit::Bytes(size) => size.bytes(),
            // In two steps: 100 times the memory of a large machine still fits, and rounding down is wanted.
            MemoryLimit::Percent(percent) => usable_memory_bytes() / 100 * u64::from(percent),
        }
    }
}

/// A memory budget, as a share or as a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Percent of the machine's memory, or of the control group's where that is less.
    Percent(u8),
    /// That many bytes.
    Bytes(ByteSize),
}

impl Default for MemoryLimit {
    fn default() -> Self {
        // The rest is for what the budget does not see: Parquet decoders, HTTP buffers, the allocator's own slack.
        Self::Percent(70)
    }
}

impl Scalar for MemoryLimit {
    const EXPECTED: &'static str = "a share from \"1%\" to \"100%\", or a size such as \"8GiB\"";

    fn from_text(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok()?;
                (1..=100).contains(&percent).then_some(Self::Percent(percent))
            }
            None => ByteSize::from_text(text).filter(|size| size.bytes() > 0).map(Self::Bytes),
        }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(size) => size.fmt(f),
        }
    }
}

impl Serialize for MemoryLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemoryLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer)
    }
}

fn usable_memory_bytes() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.total_memory();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    control_group_limit(&groups, Path::new("/sys/fs/cgroup")).map_or(machine, |limit| limit.min(machine))
}

/// The smallest memory limit of this process's control group and those above it, for versions 1 and 2.
///
/// `groups` is `/proc/self/cgroup`: lines `id:controllers:path`, with no controllers for version 2. Inside a
/// container that path may be the host's; then only the folders of it that exist count, up to `root`, which is the
/// container's own group.
pub(super) fn control_group_limit(groups: &str, root: &Path) -> Option<u64> {
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, group) = (fields.next()?, fields.next()?);
            let (base, file) = if controllers.is_empty() {
                (root.to_owned(), "memory.max")
            } else if controllers.split(',').any(|name| name == "memory") {
                (root.join("memory"), "memory.limit_in_bytes")
            } else {
                return None;
            };
            let group = base.join(group.trim_start_matches('/'));
            group
                .ancestors()
                .take_while(|folder| folder.starts_with(&base))
                .filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok())
                .min()
        })
        .min()
}
