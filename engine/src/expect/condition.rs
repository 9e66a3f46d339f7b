//! Whether a number is what a rule wants.

use crate::statement::expect::{Comparison, Condition};

impl Condition<f64> {
    /// Whether `value` fulfils it. NaN fulfils `!=`, `not in` and nothing else.
    pub(super) fn holds(&self, value: f64) -> bool {
        match self {
            Self::Compare(comparison, operand) => match comparison {
                Comparison::Eq => value == *operand,
                Comparison::NotEq => value != *operand,
                Comparison::Lt => value < *operand,
                Comparison::LtEq => value <= *operand,
                Comparison::Gt => value > *operand,
                Comparison::GtEq => value >= *operand,
            },
            Self::Between(low, high) => value > *low && value < *high,
            Self::NotBetween(low, high) => value <= *low || value >= *high,
            Self::In(operands) => operands.contains(&value),
            Self::NotIn(operands) => !operands.contains(&value),
        }
    }

    /// Whether a greater number than `value` would fulfil it: then what makes the number small is to blame.
    pub(super) fn wants_more_than(&self, value: f64) -> bool {
        match self {
            Self::Compare(Comparison::Gt, low) | Self::Between(low, _) => value <= *low,
            Self::Compare(Comparison::Eq | Comparison::GtEq, least) => value < *least,
            Self::In(operands) => operands.iter().any(|operand| value < *operand),
            Self::Compare(..) | Self::NotBetween(..) | Self::NotIn(_) => false,
        }
    }

    /// Whether it asks for enough of something, and not for little of it.
    pub(super) fn is_lower_bound(&self) -> bool {
        matches!(
            self,
            Self::Compare(Comparison::Eq | Comparison::Gt | Comparison::GtEq, _)
                | Self::Between(..)
                | Self::In(_)
        )
    }
}
