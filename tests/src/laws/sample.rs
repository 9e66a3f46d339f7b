//! A small random table, as values, as Parquet files, and as what is read back.

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows of a row group: small, so that a small table has several.
const ROW_GROUP_ROWS: usize = 16;
const FILES: usize = 3;
const DECIMAL: DataType = DataType::Decimal128(12, 3);
const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const COLUMNS: [&str; 6] = ["id", "k", "x", "s", "m", "t"];
const LABEL: &str = "m";

/// One value. Floats are bits, so that values have an order and -0.0 is not 0.0; every NaN is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Float(u64),
    Text(String),
    /// In thousandths.
    Decimal(i128),
    /// In microseconds.
    Timestamp(i64),
}

pub(super) type Row = Vec<Cell>;

/// What `BY KEY` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    WholeRow,
    Integer,
    Float,
    TextAndDecimal,
    Hidden,
}

/// A table and how it is split.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// All columns, in the order of [`COLUMNS`].
    pub(super) rows: Vec<Row>,
    pub(super) key: Key,
    pub(super) seed: u64,
}

impl Key {
    pub(super) fn columns(self) -> &'static [&'static str] {
        match self {
            Key::WholeRow => &[],
            Key::Integer | Key::Hidden => &["k"],
            Key::Float => &["x"],
            Key::TextAndDecimal => &["s", "m"],
        }
    }
}

impl Sample {
    /// The columns of the query. A table split by whole rows has no ids, as they would make every row a key of its
    /// own; a hidden key is not selected.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let left_out = match self.key {
            Key::WholeRow => "id",
            Key::Hidden => "k",
            _ => "",
        };
        COLUMNS.into_iter().filter(|column| *column != left_out).collect()
    }

    pub(super) fn columns_label_first(&self) -> Vec<&'static str> {
        let rest = self.columns().into_iter().filter(|column| *column != LABEL);
        std::iter::once(LABEL).chain(rest).collect()
    }

    /// The rows as the shards should have them.
    pub(super) fn rows_label_first(&self) -> Vec<Row> {
        let columns: Vec<usize> = self.columns_label_first().into_iter().map(position).collect();
        self.rows.iter().map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect()
    }

    /// The key of a row of a shard, by value: -0.0 is 0.0.
    pub(super) fn key_of(&self, row: &Row) -> Row {
        let columns = self.columns_label_first();
        let cell =
            |name: &str| columns.iter().position(|column| *column == name).map(|index| row[index].clone());
        let key: Row = match self.key {
            Key::WholeRow => row.clone(),
            // Not in the shard; the id tells which row of the table it was.
            Key::Hidden => {
                let id = cell("id");
                let origin = self.rows.iter().find(|row| Some(&row[position("id")]) == id.as_ref());
                vec![origin.expect("a row of the table")[position("k")].clone()]
            }
            key => key.columns().iter().filter_map(|name| cell(name)).collect(),
        };
        key.into_iter().map(|cell| if cell == Cell::float(-0.0) { Cell::float(0.0) } else { cell }).collect()
    }

    /// Writes the table as `whole/` and, in another order and several files, as `scattered/`.
    pub(super) fn write(&self, folder: &Path) {
        write(&folder.join("whole"), "0", &self.rows);
        let mut parts: Vec<Vec<Row>> = vec![vec![]; FILES];
        for (index, row) in self.rows.iter().rev().enumerate() {
            parts[index * 7 % 10 % FILES].push(row.clone());
        }
        parts
            .iter()
            .enumerate()
            .for_each(|(part, rows)| write(&folder.join("scattered"), &part.to_string(), rows));
    }
}

impl Cell {
    fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
    }

    /// What a field of a CSV shard says about a value of `column`.
    pub(super) fn from_csv(field: Option<String>, column: &str) -> Self {
        let Some(text) = field else { return Self::Null };
        match column {
            "id" | "k" => Self::Integer(text.parse().expect("an integer")),
            "x" => Self::float(text.parse().expect("a float")),
            "s" => Self::Text(text),
            "m" => {
                let (_, fraction) = text.split_once('.').expect("all digits of the scale");
                assert_eq!(fraction.len(), 3, "{text}");
                Self::Decimal(text.replace('.', "").parse().expect("a decimal"))
            }
            _ => Self::Timestamp(microseconds(&text)),
        }
    }
}

fn position(column: &str) -> usize {
    COLUMNS.iter().position(|known| *known == column).expect("a column")
}

fn data_type(column: &str) -> DataType {
    match column {
        "id" | "k" => DataType::Int64,
        "x" => DataType::Float64,
        "s" => DataType::Utf8,
        "m" => DECIMAL,
        _ => TIMESTAMP,
    }
}

/// An ISO 8601 timestamp by way of Arrow's parser, which no shard was written with.
fn microseconds(text: &str) -> i64 {
    let array = cast(&StringArray::from(vec![text]), &TIMESTAMP).expect("a cast");
    assert!(array.is_valid(0), "not a timestamp: {text}");
    array.as_primitive::<TimestampMicrosecondType>().value(0)
}

fn write(folder: &Path, name: &str, rows: &[Row]) {
    std::fs::create_dir_all(folder).expect("a folder");
    let columns = COLUMNS.into_iter().enumerate().map(|(index, name)| (name, array(rows, index), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
    let file = File::create_new(folder.join(format!("{name}.parquet"))).expect("a new file");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROW_GROUP_ROWS)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("a batch that fits");
    writer.close().expect("a file");
}

fn array(rows: &[Row], column: usize) -> ArrayRef {
    let cells = || rows.iter().map(|row| &row[column]);
    macro_rules! values {
        ($array:ty, $variant:ident) => {
            cells()
                .map(|cell| if let Cell::$variant(value) = cell { Some(*value) } else { None })
                .collect::<$array>()
        };
    }
    match data_type(COLUMNS[column]) {
        DataType::Int64 => Arc::new(values!(Int64Array, Integer)),
        DataType::Float64 => {
            let float =
                |cell: &Cell| if let Cell::Float(bits) = cell { Some(f64::from_bits(*bits)) } else { None };
            Arc::new(cells().map(float).collect::<Float64Array>())
        }
        DataType::Utf8 => {
            let text = |cell: &Cell| if let Cell::Text(text) = cell { Some(text.clone()) } else { None };
            Arc::new(cells().map(text).collect::<StringArray>())
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = values!(Decimal128Array, Decimal);
            Arc::new(decimals.with_precision_and_scale(precision, scale).expect("a scale"))
        }
        _ => Arc::new(values!(TimestampMicrosecondArray, Timestamp)),
    }
}

/// The rows of a Parquet file, columns as they come.
pub(super) fn read(path: &Path) -> Vec<Row> {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    reader.flat_map(|batch| batch_rows(&batch.expect("a batch"))).collect()
}

fn batch_rows(batch: &RecordBatch) -> Vec<Row> {
    let columns: Vec<ArrayRef> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| cast(column, &data_type(field.name())).expect("the type of the table"))
        .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect()
}

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Int64 => Cell::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Decimal128(..) => Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row)),
        _ => Cell::Timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row)),
    }
}

/// Random samples.
pub(super) fn samples() -> impl Strategy<Value = Sample> {
    let key =
        prop::sample::select(vec![Key::WholeRow, Key::Integer, Key::Float, Key::TextAndDecimal, Key::Hidden]);
    (prop::collection::vec(row(), 0..120), key, any::<u64>()).prop_map(|(mut rows, key, seed)| {
        for (id, row) in (0..).zip(&mut rows) {
            row.insert(0, Cell::Integer(id));
        }
        Sample { rows, key, seed }
    })
}

/// A row without its id. Few values each, so that rows and keys repeat.
fn row() -> impl Strategy<Value = Row> {
    let integers =
        prop_oneof![(-3..4_i64).prop_map(Cell::Integer), Just(Cell::Integer(i64::MIN)), Just(Cell::Null)];
    let decimals = prop_oneof![(-2..3_i128).prop_map(|value| Cell::Decimal(value * 1_500)), Just(Cell::Null)];
    let times = prop_oneof![
        (-2..3_i64).prop_map(|value| Cell::Timestamp(value * 86_399_999_999)),
        Just(Cell::Timestamp(253_402_300_799_999_999)),
        Just(Cell::Null)
    ];
    (integers, floats(), texts(), decimals, times).prop_map(|(k, x, s, m, t)| vec![k, x, s, m, t])
}

fn floats() -> impl Strategy<Value = Cell> {
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1e300, 5e-324, -1.5];
    prop_oneof![
        4 => prop::sample::select(special.to_vec()).prop_map(Cell::float),
        1 => any::<f64>().prop_map(Cell::float),
        1 => Just(Cell::Null)
    ]
}

fn texts() -> impl Strategy<Value = Cell> {
    let odd = [
        "",
        " ",
        "a,b",
        "q\"q",
        "\"",
        "line\nbreak",
        "\r\n",
        "Größe",
        "NULL",
        "nan",
        "'",
        "\\N",
        "a",
        "b",
        "🌾",
    ];
    let odd: Vec<String> = odd.into_iter().map(str::to_owned).chain(["long ".repeat(100)]).collect();
    prop_oneof![
        6 => prop::sample::select(odd).prop_map(Cell::Text),
        1 => "\\PC{0,12}".prop_map(Cell::Text),
        1 => Just(Cell::Null)
    ]
}
