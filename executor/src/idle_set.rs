//! Things that are kept for reuse for a while after they were last used.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Idle values by key, the one used last first.
///
/// **Limits** `max_per_key` values of a key, each for `keep` after its last use.
#[derive(Debug)]
pub(crate) struct IdleSet<K, V> {
    entries: HashMap<K, Vec<(Instant, V)>>,
    keep: Duration,
    max_per_key: usize,
}

impl<K: Hash + Eq, V> IdleSet<K, V> {
    pub(crate) fn new(keep: Duration, max_per_key: usize) -> Self {
        Self { entries: HashMap::new(), keep, max_per_key }
    }

    /// Takes out a value that is still good at `now`.
    pub(crate) fn take(&mut self, key: &K, now: Instant) -> Option<V> {
        let values = self.entries.get_mut(key)?;
        let (since, value) = values.pop()?;
        (now.saturating_duration_since(since) < self.keep).then_some(value)
    }

    /// Puts a value back; drops it when there are enough.
    pub(crate) fn put(&mut self, key: K, value: V, now: Instant) {
        let values = self.entries.entry(key).or_default();
        if values.len() < self.max_per_key {
            values.push((now, value));
        }
    }

    /// Drops what is not good any more at `now`.
    pub(crate) fn evict(&mut self, now: Instant) {
        let keep = self.keep;
        self.entries.retain(|_, values| {
            values.retain(|(since, _)| now.saturating_duration_since(*since) < keep);
            !values.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(30);

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn the_value_used_last_is_taken_first() {
        let (mut set, now) = (IdleSet::new(KEEP, 8), Instant::now());
        set.put("a", 1, now);
        set.put("a", 2, seconds(now, 1));
        set.put("b", 3, now);
        assert_eq!(set.take(&"a", seconds(now, 2)), Some(2));
        assert_eq!(set.take(&"a", seconds(now, 2)), Some(1));
        assert_eq!(set.take(&"a", seconds(now, 2)), None);
    }

    #[test]
    fn a_value_is_not_taken_after_its_time() {
        let (mut set, now) = (IdleSet::new(KEEP, 8), Instant::now());
        set.put("a", 1, now);
        assert_eq!(set.take(&"a", seconds(now, 30)), None);
    }

    #[test]
    fn no_more_values_are_kept_than_allowed() {
        let (mut set, now) = (IdleSet::new(KEEP, 1), Instant::now());
        set.put("a", 1, now);
        set.put("a", 2, now);
        assert_eq!((set.take(&"a", now), set.take(&"a", now)), (Some(1), None));
    }

    #[test]
    fn eviction_forgets_old_values_and_empty_keys() {
        let (mut set, now) = (IdleSet::new(KEEP, 8), Instant::now());
        set.put("a", 1, now);
        set.put("b", 2, seconds(now, 20));
        set.evict(seconds(now, 40));
        assert_eq!(set.entries.keys().collect::<Vec<_>>(), [&"b"]);
    }
}
