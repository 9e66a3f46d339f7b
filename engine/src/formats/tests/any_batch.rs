//! Any columns, in any roles, in any format: they are written or refused, without a panic, and the same however they are
//! batched. `PROPTEST_CASES=100000` is how many cases of each format there are then.

use super::{Columns, Format, FormatKind, encode_all, with_options};
use crate::error::{Code, Error};
use crate::formats::features::tests::vectors;
use crate::formats::{ColumnRoles, check_roles};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names that every format can have, and such that some refuse.
const PLAIN_NAMES: [&str; 4] = ["a", "long_name", "image.jpg", "x.npy"];
const ODD_NAMES: [&str; 5] = ["", "Wide one", "naïve", "x:y\"z\"", "__x__"];

/// Types with a number for each value.
const NUMBERS: [DataType; 13] = [
    DataType::Int64,
    DataType::Float64,
    DataType::Float32,
    DataType::Int32,
    DataType::Int16,
    DataType::Int8,
    DataType::UInt64,
    DataType::UInt32,
    DataType::UInt8,
    DataType::Boolean,
    DataType::Float16,
    DataType::Decimal128(38, 4),
    DataType::Decimal64(18, 0),
];

/// Other types whose values are made from integers by a cast.
const OTHERS: [DataType; 16] = [
    DataType::Utf8,
    DataType::Utf8View,
    DataType::LargeUtf8,
    DataType::Date32,
    DataType::Date64,
    DataType::Timestamp(TimeUnit::Second, None),
    DataType::Timestamp(TimeUnit::Millisecond, None),
    DataType::Timestamp(TimeUnit::Microsecond, None),
    DataType::Timestamp(TimeUnit::Nanosecond, None),
    DataType::Time32(TimeUnit::Second),
    DataType::Time64(TimeUnit::Nanosecond),
    DataType::Duration(TimeUnit::Millisecond),
    DataType::Decimal256(76, 10),
    DataType::Binary,
    DataType::BinaryView,
    DataType::Null,
];

/// Options that change what a format writes; the first of each are its defaults.
fn options(kind: FormatKind) -> &'static [&'static [(&'static str, &'static str)]] {
    match kind {
        FormatKind::Csv => &[&[], &[("header", "true"), ("delimiter", "|")], &[("compression", "gzip")]],
        FormatKind::Parquet => &[&[], &[("row_group_rows", "3")], &[("dictionary", "false")]],
        FormatKind::Libsvm => &[&[], &[("one_based", "true"), ("zeros", "false")], &[("sparse_size", "7")]],
        FormatKind::Recordio => {
            &[&[], &[("dtype", "float64")], &[("dtype", "int32")], &[("sparse_size", "7")]]
        }
        FormatKind::TfRecord | FormatKind::WebDataset => &[&[], &[("compression", "gzip")]],
        FormatKind::Mds => &[&[], &[("compression", "zstd")]],
        FormatKind::Arrow => &[&[], &[("batch_rows", "3")], &[("compression", "zstd")]],
        FormatKind::Jsonl => &[&[], &[("nulls", "omit"), ("nan", "string")], &[("nan", "null")]],
        FormatKind::AugmentedManifest | FormatKind::BlazingText | FormatKind::ImageRecordIo => &[&[]],
    }
}

/// Numbers that look random, from one that does.
#[derive(Debug, Clone, Copy)]
struct Random(u64);

impl Random {
    /// **Source** Steele, Lea, Flood: *Fast splittable pseudorandom number generators* (2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    /// Small ones and any, and sometimes none.
    fn integers(&mut self, rows: usize, nullable: bool) -> Int64Array {
        let value = |random: &mut Self| match random.below(8) {
            0 if nullable => None,
            0..4 => Some(random.below(9) as i64 - 2),
            4 => Some([i64::MIN, i64::MAX, 0, 1_700_000_000][random.below(4) as usize]),
            5 => Some(random.below(1 << 40) as i64),
            _ => Some(random.next().cast_signed()),
        };
        (0..rows).map(|_| value(self)).collect()
    }

    fn nulls(&mut self, rows: usize, nullable: bool) -> Option<NullBuffer> {
        nullable.then(|| (0..rows).map(|_| self.below(5) > 0).collect::<Vec<_>>().into())
    }

    fn offsets(&mut self, rows: usize) -> OffsetBuffer<i32> {
        OffsetBuffer::from_lengths((0..rows).map(|_| self.below(4) as usize).collect::<Vec<_>>())
    }

    /// Values of a type.
    fn plain(&mut self, data_type: &DataType, rows: usize, nullable: bool) -> ArrayRef {
        let integers = self.integers(rows, nullable);
        let floats = || integers.iter().map(|value| value.map(|bits| f64::from_bits(bits.cast_unsigned())));
        match data_type {
            DataType::Float64 if self.below(2) == 0 => Arc::new(floats().collect::<Float64Array>()),
            DataType::Float32 if self.below(2) == 0 => {
                Arc::new(floats().map(|value| value.map(|value| value as f32)).collect::<Float32Array>())
            }
            DataType::Binary | DataType::BinaryView => {
                let bytes = integers.iter().map(|value| value.map(i64::to_le_bytes));
                cast(&(Arc::new(bytes.collect::<BinaryArray>()) as ArrayRef), data_type).unwrap()
            }
            DataType::Null => Arc::new(NullArray::new(rows)),
            // A value that the type cannot have becomes a null.
            DataType::Time32(_) => cast(&cast(&integers, &DataType::Int32).unwrap(), data_type).unwrap(),
            _ => cast(&integers, data_type).unwrap(),
        }
    }

    /// Values of one of many types: plain below the number of plain ones, then others.
    fn array(&mut self, choice: usize, rows: usize, nullable: bool) -> ArrayRef {
        let plain = NUMBERS.iter().chain(&OTHERS);
        if let Some(data_type) = plain.clone().nth(choice % CHOICES) {
            return self.plain(data_type, rows, nullable);
        }
        match choice % CHOICES - NUMBERS.len() - OTHERS.len() {
            0 => {
                let values = if self.below(2) == 0 { DataType::Utf8 } else { DataType::Int64 };
                let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(values.clone()));
                cast(&self.plain(&values, rows, nullable), &dictionary).unwrap()
            }
            1 => self.sparse_vectors(rows, nullable),
            2 => {
                let item = self.item(2 * rows, nullable);
                let field = Arc::new(Field::new_list_field(item.data_type().clone(), true));
                let nulls = self.nulls(rows, nullable);
                Arc::new(FixedSizeListArray::new(field, 2, item, nulls))
            }
            3 => {
                let offsets = self.offsets(rows);
                let item = self.item(*offsets.last().unwrap() as usize, nullable);
                let field = Arc::new(Field::new_list_field(item.data_type().clone(), true));
                let nulls = self.nulls(rows, nullable);
                Arc::new(ListArray::new(field, offsets, item, nulls))
            }
            4 => self.maps(rows, nullable),
            _ => {
                let parts = [self.item(rows, nullable), self.item(rows, nullable)];
                let fields = ["one", "two"].iter().zip(&parts);
                let fields = fields.map(|(name, part)| Field::new(*name, part.data_type().clone(), true));
                let nulls = self.nulls(rows, nullable);
                Arc::new(StructArray::new(fields.collect(), parts.to_vec(), nulls))
            }
        }
    }

    fn item(&mut self, rows: usize, nullable: bool) -> ArrayRef {
        let choice = self.below(CHOICES as u64) as usize;
        self.array(choice, rows, nullable)
    }

    /// Most are right; some entries do not ascend, or lie outside.
    fn sparse_vectors(&mut self, rows: usize, nullable: bool) -> ArrayRef {
        let vector = |random: &mut Self| {
            (!nullable || random.below(6) > 0).then(|| {
                let step = 1 + random.below(3) as i32;
                let entries = (0..random.below(4) as i32).map(|index| (index * step, f64::from(index) - 1.0));
                entries.collect()
            })
        };
        vectors(7, &(0..rows).map(|_| vector(self)).collect::<Vec<_>>())
    }

    fn maps(&mut self, rows: usize, nullable: bool) -> ArrayRef {
        let offsets = self.offsets(rows);
        let entries = *offsets.last().unwrap() as usize;
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values((0..entries).map(|key| key.to_string())));
        let values = self.plain(&DataType::Float64, entries, nullable);
        let fields = Fields::from(vec![
            Field::new("keys", DataType::Utf8, false),
            Field::new("values", DataType::Float64, true),
        ]);
        let pairs = StructArray::new(fields.clone(), vec![keys, values], None);
        let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
        let nulls = self.nulls(rows, nullable);
        Arc::new(MapArray::new(field, offsets, pairs, nulls, false))
    }
}

const CHOICES: usize = NUMBERS.len() + OTHERS.len() + 6;

/// Which types the columns of a case have: a format of numbers would refuse almost every mix.
#[derive(Debug, Clone, Copy)]
enum Pool {
    Any,
    Numbers,
    /// A number, then bytes or text.
    NumberAndOther,
}

impl Pool {
    fn choose(self, choice: usize, index: usize) -> usize {
        match self {
            Self::Any => choice,
            Self::Numbers => choice % NUMBERS.len(),
            Self::NumberAndOther if index == 0 => choice % NUMBERS.len(),
            Self::NumberAndOther => NUMBERS.len() + [0, 1, 2, 13, 14][choice % 5],
        }
    }
}

#[derive(Debug)]
struct Case {
    columns: Columns,
    batch: RecordBatch,
    slice_rows: usize,
}

prop_compose! {
    fn cases()(
        choices in vec(0..CHOICES, 1..5),
        pool in prop_oneof![Just(Pool::Any), Just(Pool::Numbers), Just(Pool::NumberAndOther)],
        (rows, slice_rows, seed, nullable) in (0..12_usize, 1..12_usize, any::<u64>(), any::<bool>()),
        (labels, weight, group, key) in (0..3_usize, 0..6_u8, 0..6_u8, 0..4_u8),
    ) -> Option<Case> {
        let mut random = Random(seed);
        let column = |(index, choice): (usize, &usize)| {
            let name = match random.below(4) {
                0 => ODD_NAMES[random.below(5) as usize],
                _ => PLAIN_NAMES[random.below(4) as usize],
            };
            let name = format!("{}{name}", ["", "b", "c", "d"][index]);
            (name, random.array(pool.choose(*choice, index), rows, nullable))
        };
        let (count, labels) = match pool {
            Pool::NumberAndOther => (choices.len().min(2), 1),
            _ => (choices.len(), labels),
        };
        let columns: Vec<_> = choices[..count].iter().enumerate().map(column).collect();
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let roles = ColumnRoles { labels, weight: weight == 0, group: group == 0, key: key == 0, ..ColumnRoles::default() };
        let columns = Columns::new(batch.schema(), roles).ok()?;
        Some(Case { columns, batch, slice_rows })
    }
}

/// What a batch becomes; an error is one that tells the user what to do.
fn written(format: &dyn Format, columns: &Columns, batches: &[RecordBatch]) -> Result<Vec<u8>, Code> {
    let refused = |error: Error| {
        assert!(error.hint().is_some(), "{}", error.report());
        error.code()
    };
    check_roles(format, columns.roles()).map_err(refused)?;
    if let Err(error) = format.check(columns) {
        assert!(format.encoder(columns).is_err(), "{}", error.report());
        return Err(refused(error));
    }
    encode_all(format, columns, batches).map_err(|error| {
        assert_eq!(error.code(), Code::BadRow, "{}", error.report());
        error.code()
    })
}

proptest! {
    #[test]
    fn any_batch_is_written_or_refused_however_it_is_cut(case in cases(), choice in 0..4_usize) {
        let Some(Case { columns, batch, slice_rows }) = case else { return Ok(()) };
        let rows = batch.num_rows();
        let slices: Vec<_> = (0..rows)
            .step_by(slice_rows)
            .map(|start| batch.slice(start, slice_rows.min(rows - start)))
            .collect();
        for kind in FormatKind::ALL {
            let choices = options(*kind);
            let format = with_options(*kind, choices[choice % choices.len()]);
            let whole = written(format.as_ref(), &columns, std::slice::from_ref(&batch));
            prop_assert_eq!(&written(format.as_ref(), &columns, &slices), &whole, "{}", kind);
        }
    }
}

/// A format that refuses everything would pass the test above.
#[test]
fn every_format_writes_a_part_of_the_cases() {
    let mut runner = TestRunner::deterministic();
    let mut written_of: BTreeMap<FormatKind, u32> = BTreeMap::new();
    for _ in 0..2_000 {
        let Some(case) = cases().new_tree(&mut runner).unwrap().current() else { continue };
        for kind in FormatKind::ALL {
            let format = with_options(*kind, &[]);
            let is_written =
                written(format.as_ref(), &case.columns, std::slice::from_ref(&case.batch)).is_ok();
            *written_of.entry(*kind).or_default() += u32::from(is_written && case.batch.num_rows() > 0);
        }
    }
    assert!(FormatKind::ALL.iter().all(|kind| written_of[kind] >= 10), "{written_of:?}");
}
