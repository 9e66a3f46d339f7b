//! Values as text, for the formats that are text: numbers, dates and times go into cells, cells into pages, pages into
//! the shard. It knows no format's quotes, nulls or separators.

pub(super) mod arrays;
pub(super) mod numbers;
pub(super) mod page;
pub(super) mod times;
