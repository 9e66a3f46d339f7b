//! LIBSVM shards, as SageMaker's XGBoost reads them: `label[:weight] [qid:group] index:value …`, a row a line.
//!
//! Its reader (dmlc) takes an index that is not there as a missing value. So a null and NaN are left out, and the zero of
//! a scalar or a list is written; of a sparse vector, the entries that it has are. That reader knows no `inf` and no
//! `nan`, and stops at a file with one or misreads it: infinite values are refused.

mod row;

use super::features::{Features, Shape, check_number, check_width, item_type, refuse_value};
use super::plain_types::plain_type;
use super::{
    ColumnRoles, Columns, Compression, Encoder, Format, Role, ShardExtras, check_has_columns, refuse_column,
    sql_name,
};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use row::{Head, Rows};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Options of LIBSVM files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LibsvmOptions {
    /// `'one_based'`: whether the first index is 1, as Spark writes it, and not 0, as SageMaker's XGBoost reads it.
    pub one_based: bool,
    /// `'zeros'`: whether the zeros of scalar and list columns are written; unless said otherwise they are.
    pub zeros: bool,
    /// `'sparse_size'`: the size of sparse vectors.
    pub sparse_size: Option<NonZeroU32>,
    /// `'compression'`: of the whole file; none unless said otherwise.
    pub compression: Compression,
}

/// `STORED AS LIBSVM`.
#[derive(Debug)]
pub(super) struct Libsvm {
    options: LibsvmOptions,
}

const NAME: &str = "LIBSVM";

impl Libsvm {
    pub(super) fn new(options: LibsvmOptions) -> Self {
        Self { options }
    }

    fn features(&self, columns: &Columns) -> Result<Features> {
        check_has_columns(NAME, columns.schema())?;
        if columns.labels().len() != 1 {
            let message = format!("LIBSVM takes exactly one label, and there are {}", columns.labels().len());
            return Err(Error::new(Code::Unsupported, message)
                .with_hint("name one column with LABEL; COPY has no labels, CREATE TRAINING SET has"));
        }
        let (label, weight) = (columns.labels().first(), columns.of(Role::Weight));
        for field in label.map(AsRef::as_ref).into_iter().chain(weight) {
            check_number(NAME, field)?;
        }
        if let Some(group) = columns.of(Role::Group)
            && !plain_type(group.data_type()).is_integer()
        {
            return Err(refuse_column(NAME, group, &format!("CAST({} AS BIGINT)", sql_name(group))));
        }
        Features::new(NAME, columns.features(), self.options.sparse_size)
    }
}

impl Format for Libsvm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn extension(&self) -> String {
        format!("libsvm{}", self.options.compression.suffix())
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "text/libsvm".to_owned()
    }

    fn roles(&self) -> &'static [Role] {
        &[Role::Weight, Role::Group]
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        self.features(columns).map(|_| ())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        let encoder = LibsvmEncoder {
            features: self.features(columns)?,
            columns: columns.clone(),
            first_index: u64::from(self.options.one_based),
            zeros: self.options.zeros,
        };
        self.options.compression.wrap(Box::new(encoder))
    }
}

/// One LIBSVM shard. It buffers nothing.
#[derive(Debug)]
struct LibsvmEncoder {
    columns: Columns,
    features: Features,
    first_index: u64,
    zeros: bool,
}

impl Encoder for LibsvmEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        check_width(batch.num_columns(), self.columns.count())?;
        let head = Head::new(batch, &self.columns)?;
        let rows = Rows::new(batch, self)?;
        out.reserve(batch.num_rows() * (self.features.columns.len() + 1) * TYPICAL_ENTRY_BYTES);
        rows.push(&head, batch.num_rows(), out)
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<ShardExtras> {
        Ok(ShardExtras::default())
    }
}

/// About what an index and its value take: only for reserving memory.
const TYPICAL_ENTRY_BYTES: usize = 12;

#[cfg(test)]
mod tests;
