//! The columns of a shard, and what each is for.

use crate::error::{Code, Error, Result};
use arrow::datatypes::{Field, FieldRef, SchemaRef};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What the first columns of a shard are for. They stand in this order: labels, weight, group, key; all that follow are
/// features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnRoles {
    /// How many columns are the target: `LABEL`.
    pub labels: usize,
    /// Whether a column weighs the rows: option `'weight'`.
    pub weight: bool,
    /// Whether a column says which rows are ranked together: option `'group'`.
    pub group: bool,
    /// Whether a column names the rows: option `'key'`.
    pub key: bool,
    /// What a label or weight that is null does, in a format that can hold one.
    #[serde(default)]
    pub missing_labels: MissingLabels,
}

/// What a null does where a label or a weight stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MissingLabels {
    /// It is written as the format has it.
    #[default]
    Kept,
    /// It fails the statement: its reader wants a value in every row.
    Refused,
}

/// A column that is neither label nor feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It weighs the rows.
    Weight,
    /// It says which rows are ranked together (XGBoost's `qid`).
    Group,
    /// It names the rows.
    Key,
}

impl Role {
    /// Every role, in the order of the columns.
    pub const ALL: [Role; 3] = [Role::Weight, Role::Group, Role::Key];

    /// The option that names its column.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Role::Weight => "weight",
            Role::Group => "group",
            Role::Key => "key",
        }
    }
}

impl ColumnRoles {
    /// Whether there is a column of that role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        match role {
            Role::Weight => self.weight,
            Role::Group => self.group,
            Role::Key => self.key,
        }
    }

    /// The position of the column of that role.
    #[must_use]
    pub fn position(&self, role: Role) -> Option<usize> {
        let before = Role::ALL.iter().take_while(|other| **other != role).filter(|other| self.has(**other));
        self.has(role).then(|| self.labels + before.count())
    }

    /// How many columns are no features.
    #[must_use]
    pub fn before_features(&self) -> usize {
        self.labels + Role::ALL.iter().filter(|role| self.has(**role)).count()
    }
}

/// The columns of a shard.
#[derive(Debug, Clone)]
pub struct Columns {
    schema: SchemaRef,
    roles: ColumnRoles,
}

impl Columns {
    /// The columns of `schema`, of which the first are what `roles` says.
    ///
    /// # Errors
    /// `Internal` when there are fewer columns than roles.
    pub fn new(schema: SchemaRef, roles: ColumnRoles) -> Result<Columns> {
        if roles.before_features() > schema.fields().len() {
            let message = format!("{roles:?} need more than {} columns", schema.fields().len());
            return Err(Error::new(Code::Internal, message));
        }
        Ok(Self { schema, roles })
    }

    /// Columns that are features all.
    #[must_use]
    pub fn features_only(schema: SchemaRef) -> Columns {
        Self { schema, roles: ColumnRoles::default() }
    }

    /// Names and types of all of them.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the first are for.
    #[must_use]
    pub fn roles(&self) -> ColumnRoles {
        self.roles
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.schema.fields().len()
    }

    /// The label columns.
    #[must_use]
    pub fn labels(&self) -> &[FieldRef] {
        &self.schema.fields()[..self.roles.labels]
    }

    /// The column of that role.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Field> {
        self.roles.position(role).map(|index| self.schema.field(index))
    }

    /// The positions of the features.
    #[must_use]
    pub fn feature_range(&self) -> Range<usize> {
        self.roles.before_features()..self.count()
    }

    /// The feature columns.
    #[must_use]
    pub fn features(&self) -> &[FieldRef] {
        &self.schema.fields()[self.feature_range()]
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnRoles, Columns, Role};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    fn columns(names: &str, roles: ColumnRoles) -> crate::error::Result<Columns> {
        let fields = names.chars().map(|name| Field::new(name.to_string(), DataType::Int64, true));
        Columns::new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), roles)
    }

    #[test]
    fn roles_come_before_features_in_one_order() {
        let roles = ColumnRoles { labels: 2, group: true, key: true, ..ColumnRoles::default() };
        let columns = columns("abgkxy", roles).unwrap();
        assert_eq!(columns.labels().len(), 2);
        assert_eq!(columns.of(Role::Weight), None);
        assert_eq!(columns.of(Role::Group).unwrap().name(), "g");
        assert_eq!(columns.of(Role::Key).unwrap().name(), "k");
        assert_eq!(columns.features().iter().map(|field| field.name().as_str()).collect::<String>(), "xy");
    }

    #[test]
    fn more_roles_than_columns_are_an_error() {
        assert!(columns("a", ColumnRoles { labels: 1, weight: true, ..ColumnRoles::default() }).is_err());
    }
}
