//! One written shard as a row: how facts about shards travel from tasks to the committer.

use crate::error::{Code, Error, Result};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, RecordBatch, StringArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use std::sync::{Arc, LazyLock};

/// A shard, or a companion of one, that is durable and not visible yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRecord {
    /// Where it will be, relative to the location.
    pub path: String,
    /// Its split; empty where there are no splits.
    pub split: String,
    /// How many rows.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes it was before it was compressed; as many as it has where it was not.
    pub raw_bytes: u64,
    /// What the store needs to publish it.
    pub token: String,
    /// Whether it is no shard, but belongs to one; it has no rows then.
    pub is_companion: bool,
    /// The statistics of its rows, see [`ShardStatistics`](crate::statistics::ShardStatistics); empty where none were
    /// taken.
    pub statistics: Vec<u8>,
}

/// About how many bytes of statistics a batch has at most, beside those of its first record.
const BATCH_BYTES: usize = 2 << 20;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("path", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("rows", DataType::UInt64, false),
        Field::new("bytes", DataType::UInt64, false),
        Field::new("sha256", DataType::Utf8, false),
        Field::new("raw_bytes", DataType::UInt64, false),
        Field::new("token", DataType::Utf8, false),
        Field::new("is_companion", DataType::Boolean, false),
        Field::new("statistics", DataType::Binary, false),
    ]))
});

/// The columns of the write operator's output.
#[must_use]
pub fn shard_record_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

impl ShardRecord {
    /// The records as one batch.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_batch(records: &[ShardRecord]) -> Result<RecordBatch> {
        let text = |field: fn(&ShardRecord) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(records.iter().map(field)))
        };
        let number = |field: fn(&ShardRecord) -> u64| -> ArrayRef {
            Arc::new(UInt64Array::from_iter_values(records.iter().map(field)))
        };
        let columns = vec![
            text(|record| &record.path),
            text(|record| &record.split),
            number(|record| record.rows),
            number(|record| record.bytes),
            text(|record| &record.sha256),
            number(|record| record.raw_bytes),
            text(|record| &record.token),
            Arc::new(records.iter().map(|record| Some(record.is_companion)).collect::<BooleanArray>()),
            Arc::new(BinaryArray::from_iter_values(records.iter().map(|record| &record.statistics))),
        ];
        RecordBatch::try_new(shard_record_schema(), columns)
            .map_err(|error| Error::new(Code::Internal, "cannot build shard records").with_source(error))
    }

    /// The records as batches that are small enough for a message, as statistics of many columns are large.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_batches(records: &[ShardRecord]) -> Result<Vec<RecordBatch>> {
        let mut bytes = 0;
        let in_one_batch = |_: &ShardRecord, next: &ShardRecord| {
            bytes += next.statistics.len();
            let fits = bytes <= BATCH_BYTES;
            if !fits {
                bytes = 0;
            }
            fits
        };
        if records.is_empty() {
            return Ok(vec![Self::to_batch(records)?]);
        }
        records.chunk_by(in_one_batch).map(Self::to_batch).collect()
    }

    /// The records of a batch that a write operator gave.
    ///
    /// # Errors
    /// `Internal` when the batch has other columns.
    pub fn from_batch(batch: &RecordBatch) -> Result<Vec<ShardRecord>> {
        let expected = shard_record_schema();
        let same = batch.num_columns() == expected.fields().len()
            && batch
                .columns()
                .iter()
                .zip(expected.fields())
                .all(|(column, field)| column.data_type() == field.data_type());
        if !same {
            return Err(Error::new(Code::Internal, format!("not shard records: {}", batch.schema())));
        }
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        let number = |column: usize, row: usize| batch.column(column).as_primitive::<UInt64Type>().value(row);
        let record = |row| ShardRecord {
            path: text(0, row),
            split: text(1, row),
            rows: number(2, row),
            bytes: number(3, row),
            sha256: text(4, row),
            raw_bytes: number(5, row),
            token: text(6, row),
            is_companion: batch.column(7).as_boolean().value(row),
            statistics: batch.column(8).as_binary::<i32>().value(row).to_owned(),
        };
        Ok((0..batch.num_rows()).map(record).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH_BYTES, ShardRecord};

    fn record(number: u64) -> ShardRecord {
        ShardRecord {
            path: format!("train/part-{number}.csv"),
            split: "train".to_owned(),
            rows: number,
            bytes: number * 10,
            sha256: "00ff".to_owned(),
            raw_bytes: number * 11,
            token: "{}".to_owned(),
            is_companion: number == 2,
            statistics: vec![7; number as usize],
        }
    }

    #[test]
    fn large_statistics_are_spread_over_batches() {
        let large = |number| ShardRecord { statistics: vec![1; BATCH_BYTES / 3], ..record(number) };
        let records: Vec<_> = (0..10).map(large).collect();
        let batches = ShardRecord::to_batches(&records).unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [4, 4, 2]);
        let back = batches.iter().flat_map(|batch| ShardRecord::from_batch(batch).unwrap());
        assert!(back.eq(records));
        assert_eq!(ShardRecord::to_batches(&[]).unwrap().len(), 1);
    }

    #[test]
    fn records_survive_the_trip_through_a_batch() {
        let records = vec![record(1), record(2)];
        let batch = ShardRecord::to_batch(&records).unwrap();
        assert_eq!(ShardRecord::from_batch(&batch).unwrap(), records);
    }
}
