//! Which columns of a query are labels, weight, group or key: they are written first, in that order.

use crate::error::{Code, Error, Result};
use crate::formats::{ColumnRoles, Format, Role, check_roles};
use crate::statement::CreateTrainingSet;
use datafusion::common::Column;
use std::collections::{BTreeMap, HashSet};

/// The named columns of a training set, in the order they are written in.
#[derive(Debug)]
pub(super) struct NamedColumns {
    /// Each with the clause or option that names it.
    columns: Vec<(String, String)>,
    pub(super) roles: ColumnRoles,
}

impl NamedColumns {
    /// Takes the options that name columns out of `options`.
    ///
    /// # Errors
    /// `BadOption` when the format has no place for one, or a column is named twice.
    pub(super) fn take(
        create: &CreateTrainingSet,
        format: &dyn Format,
        options: &mut BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut roles = ColumnRoles { labels: create.labels.len(), ..ColumnRoles::default() };
        let labels = create.labels.iter().map(|label| (label.clone(), "LABEL".to_owned()));
        let mut columns: Vec<(String, String)> = labels.collect();
        for role in Role::ALL {
            let Some(name) = options.remove(role.option()) else { continue };
            match role {
                Role::Weight => roles.weight = true,
                Role::Group => roles.group = true,
                Role::Key => roles.key = true,
            }
            columns.push((name, format!("option '{}'", role.option())));
        }
        check_roles(format, roles)?;
        let mut seen = HashSet::new();
        match columns.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            None => Ok(Self { columns, roles }),
            Some((name, clause)) => {
                let message = format!("column \"{name}\" is named again by {clause}");
                Err(Error::new(Code::BadOption, message).with_hint("a column has one place in a row"))
            }
        }
    }

    /// The column of groups, of the columns that are written.
    pub(super) fn group(&self, data: &[Column]) -> Option<Column> {
        self.roles.position(Role::Group).and_then(|index| data.get(index)).cloned()
    }

    /// The options that name columns with `format`, for hints.
    pub(super) fn options(format: &dyn Format) -> Vec<&'static str> {
        format.roles().iter().map(|role| role.option()).collect()
    }

    /// Each column with the clause or option that names it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(|(name, clause)| (name.as_str(), clause.as_str()))
    }
}
