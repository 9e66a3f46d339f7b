//! Formats that can hold a null label or weight, for readers that take it for a 0 or fail on it: XGBoost reads an empty
//! field in the place of the label as 0.

use super::features::refuse_value;
use super::{ColumnRoles, Columns, Encoder, Format, MissingLabels, Role, ShardExtras, SideFile};
use crate::error::Result;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::FieldRef;
use gristmill_proto::manifest::ShardInfo;

/// The format `F`, whose encoder refuses a null label or weight where the columns say so.
#[derive(Debug)]
pub(super) struct PresentLabels<F>(pub(super) F);

impl<F: Format> Format for PresentLabels<F> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn extension(&self) -> String {
        self.0.extension()
    }

    fn content_type(&self, roles: ColumnRoles) -> String {
        self.0.content_type(roles)
    }

    fn roles(&self) -> &'static [Role] {
        self.0.roles()
    }

    fn companions(&self) -> &'static [&'static str] {
        self.0.companions()
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        self.0.check(columns)
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        let encoder = self.0.encoder(columns)?;
        Ok(match columns.roles().missing_labels {
            MissingLabels::Kept => encoder,
            MissingLabels::Refused => Box::new(PresentLabelsEncoder { present: present(columns), encoder }),
        })
    }

    fn split_files(&self, columns: &Columns, shards: &[&ShardInfo]) -> Result<Vec<SideFile>> {
        self.0.split_files(columns, shards)
    }
}

/// Positions of the columns that have a value in every row.
fn present(columns: &Columns) -> Vec<(usize, FieldRef)> {
    let positions = (0..columns.labels().len()).chain(columns.roles().position(Role::Weight));
    let fields = columns.schema().fields();
    positions.filter_map(|position| Some((position, FieldRef::clone(fields.get(position)?)))).collect()
}

/// One shard. It buffers what its encoder does.
#[derive(Debug)]
struct PresentLabelsEncoder {
    present: Vec<(usize, FieldRef)>,
    encoder: Box<dyn Encoder>,
}

impl Encoder for PresentLabelsEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        for (position, field) in &self.present {
            if batch.columns().get(*position).is_some_and(|array| array.logical_null_count() > 0) {
                return Err(refuse_value(
                    field,
                    "a null",
                    "a label or weight has a value in every row that an algorithm reads: leave such rows out with WHERE",
                ));
            }
        }
        self.encoder.encode(batch, out)
    }

    fn buffered_bytes(&self) -> usize {
        self.encoder.buffered_bytes()
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<ShardExtras> {
        self.encoder.finish(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::default_format;
    use super::super::{ColumnRoles, Columns, FormatKind, MissingLabels, encode_all};
    use crate::error::{Code, Result};
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use std::sync::Arc;

    fn written(
        kind: FormatKind,
        missing_labels: MissingLabels,
        rows: [[Option<i64>; 3]; 2],
    ) -> Result<Vec<u8>> {
        let column = |index: usize| Arc::new(Int64Array::from_iter(rows.map(|row| row[index]))) as ArrayRef;
        let columns =
            ["y", "w", "x"].into_iter().zip((0..3).map(column)).map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let roles = ColumnRoles { labels: 1, weight: true, missing_labels, ..ColumnRoles::default() };
        let columns = Columns::new(batch.schema(), roles).unwrap();
        encode_all(default_format(kind).as_ref(), &columns, &[batch])
    }

    #[test]
    fn a_null_label_or_weight_is_refused_by_its_name_where_the_columns_say_so() {
        for kind in [FormatKind::Csv, FormatKind::Parquet] {
            for (row, name) in [([None, Some(1), Some(2)], "\"y\""), ([Some(1), None, Some(2)], "\"w\"")] {
                let rows = [[Some(1), Some(1), None], row];
                let error = written(kind, MissingLabels::Refused, rows).unwrap_err();
                assert_eq!(error.code(), Code::BadRow);
                assert!(error.message().contains(name) && error.hint().is_some(), "{error}");
            }
        }
    }

    #[test]
    fn otherwise_nulls_are_written_as_the_format_has_them() {
        let rows = [[Some(1), Some(1), None], [None, None, Some(2)]];
        assert_eq!(written(FormatKind::Csv, MissingLabels::Kept, rows).unwrap(), b"1,1,\n,,2\n");
        let rows = [[Some(1), Some(1), None]; 2];
        assert_eq!(written(FormatKind::Csv, MissingLabels::Refused, rows).unwrap(), b"1,1,\n1,1,\n");
    }
}
