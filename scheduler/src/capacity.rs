//! How much cluster there is.

/// The executors that take tasks now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// How many there are.
    pub(crate) executors: usize,
    /// How many tasks they run at a time, all together.
    pub(crate) vcores: usize,
}
