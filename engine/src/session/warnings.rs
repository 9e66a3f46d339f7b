//! What a statement warns of.

use parking_lot::Mutex;
use std::sync::Arc;

/// The warnings of one statement; complete once its rows have come. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    pub(super) fn extend(&self, warnings: impl IntoIterator<Item = String>) {
        self.0.lock().extend(warnings);
    }

    /// Those that were not taken yet; a sentence each.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}
