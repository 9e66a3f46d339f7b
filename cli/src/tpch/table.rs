//! The eight tables: their sizes and their rows.

use arrow::array::RecordBatchReader;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow,
    SupplierArrow,
};

/// A table of TPC-H.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// 25 rows.
    Nation,
    /// 5 rows.
    Region,
    /// 200,000 rows at scale 1.
    Part,
    /// 10,000 rows at scale 1.
    Supplier,
    /// 800,000 rows at scale 1.
    Partsupp,
    /// 150,000 rows at scale 1.
    Customer,
    /// 1,500,000 rows at scale 1.
    Orders,
    /// About 6,000,000 rows at scale 1.
    Lineitem,
}

impl Table {
    /// All tables, largest last.
    pub const ALL: [Self; 8] = [
        Self::Nation,
        Self::Region,
        Self::Supplier,
        Self::Customer,
        Self::Part,
        Self::Partsupp,
        Self::Orders,
        Self::Lineitem,
    ];

    /// The table's name, as the specification has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Region => "region",
            Self::Part => "part",
            Self::Supplier => "supplier",
            Self::Partsupp => "partsupp",
            Self::Customer => "customer",
            Self::Orders => "orders",
            Self::Lineitem => "lineitem",
        }
    }

    /// The table of that name, whatever its case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name().eq_ignore_ascii_case(name.trim()))
    }

    /// What the generator can divide a table by: rows, or for `lineitem` orders and for `partsupp` parts, whose rows
    /// stay together.
    pub(super) fn units(self, scale: f64) -> u64 {
        let rows = match self {
            Self::Nation => 25,
            Self::Region => 5,
            Self::Part => PartGenerator::calculate_row_count(scale, 1, 1),
            Self::Supplier => SupplierGenerator::calculate_row_count(scale, 1, 1),
            Self::Partsupp => PartSuppGenerator::calculate_row_count(scale, 1, 1),
            Self::Customer => CustomerGenerator::calculate_row_count(scale, 1, 1),
            Self::Orders | Self::Lineitem => OrderGenerator::calculate_row_count(scale, 1, 1),
        };
        u64::try_from(rows).unwrap_or(0)
    }

    /// Whether the generator can divide it; what is always a handful of rows it cannot.
    pub(super) fn is_divisible(self) -> bool {
        !matches!(self, Self::Nation | Self::Region)
    }

    /// Rows per unit, on average.
    pub(super) fn rows_per_unit(self) -> u64 {
        match self {
            Self::Partsupp | Self::Lineitem => 4,
            _ => 1,
        }
    }

    /// The rows of part `part` (from 1) of `parts`.
    pub(super) fn read(self, scale: f64, part: i32, parts: i32) -> Box<dyn RecordBatchReader + Send> {
        match self {
            Self::Nation => Box::new(NationArrow::new(NationGenerator::new(scale, part, parts))),
            Self::Region => Box::new(RegionArrow::new(RegionGenerator::new(scale, part, parts))),
            Self::Part => Box::new(PartArrow::new(PartGenerator::new(scale, part, parts))),
            Self::Supplier => Box::new(SupplierArrow::new(SupplierGenerator::new(scale, part, parts))),
            Self::Partsupp => Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, part, parts))),
            Self::Customer => Box::new(CustomerArrow::new(CustomerGenerator::new(scale, part, parts))),
            Self::Orders => Box::new(OrderArrow::new(OrderGenerator::new(scale, part, parts))),
            Self::Lineitem => Box::new(LineItemArrow::new(LineItemGenerator::new(scale, part, parts))),
        }
    }

    /// Its columns.
    pub(super) fn schema(self) -> arrow::datatypes::SchemaRef {
        match self {
            Self::Nation => NationArrow::schema_ref(),
            Self::Region => RegionArrow::schema_ref(),
            Self::Part => PartArrow::schema_ref(),
            Self::Supplier => SupplierArrow::schema_ref(),
            Self::Partsupp => PartSuppArrow::schema_ref(),
            Self::Customer => CustomerArrow::schema_ref(),
            Self::Orders => OrderArrow::schema_ref(),
            Self::Lineitem => LineItemArrow::schema_ref(),
        }
    }
}
