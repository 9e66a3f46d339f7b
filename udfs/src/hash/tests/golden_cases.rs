//! The golden cases as Arrow columns: each in every physical type that holds the value.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;

/// A case and its rows of one or more columns, all of which must have the same hash.
type Case = (&'static str, Vec<Vec<ArrayRef>>);

macro_rules! column {
    ($($array:ident: $value:expr),+ $(,)?) => { vec![$(one($array::from(vec![$value]))),+] };
}

pub(super) fn cases() -> Vec<Case> {
    [scalars(), decimals(), strings(), times(), nested(), rows()].concat()
}

/// Cases of the order of rows, where floats go by their bits.
pub(super) fn order_cases() -> Vec<Case> {
    let list = |values| one(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(values)]));
    vec![
        case("bits of 0", [column![Float64Array: 0.0, Float32Array: 0.0], vec![f16(0.0)]].concat()),
        case("bits of -0", [column![Float64Array: -0.0, Float32Array: -0.0], vec![f16(-0.0)]].concat()),
        case("bits of list 1.5 -0", vec![list([Some(1.5), Some(-0.0)])]),
    ]
}

fn one(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// A case of one column.
fn case(name: &'static str, variants: Vec<ArrayRef>) -> Case {
    (name, variants.into_iter().map(|column| vec![column]).collect())
}

fn f16(value: f32) -> ArrayRef {
    one(Float16Array::from(vec![<Float16Type as ArrowPrimitiveType>::Native::from_f32(value)]))
}

fn dictionary(values: ArrayRef) -> ArrayRef {
    one(DictionaryArray::<UInt8Type>::new(vec![0].into(), values))
}

fn runs(values: &dyn Array) -> ArrayRef {
    one(RunArray::<Int16Type>::try_new(&Int16Array::from(vec![1]), values).unwrap())
}

fn scalars() -> Vec<Case> {
    vec![
        case(
            "null",
            vec![
                one(NullArray::new(1)),
                new_null_array(&DataType::Int32, 1),
                new_null_array(&DataType::Boolean, 1),
                new_null_array(&DataType::Utf8View, 1),
                new_null_array(&DataType::Decimal256(40, 2), 1),
                new_null_array(&DataType::new_list(DataType::Int8, true), 1),
                new_null_array(&DataType::Struct(vec![Field::new("a", DataType::Int8, true)].into()), 1),
                new_null_array(&DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()), 1),
                dictionary(new_null_array(&DataType::Utf8, 1)),
                runs(&new_null_array(&DataType::Utf8, 1)),
            ],
        ),
        case("true", column![BooleanArray: true]),
        case("false", column![BooleanArray: false]),
        case("integer 0", column![Int8Array: 0, UInt64Array: 0]),
        case(
            "integer 1",
            [
                column![Int8Array: 1, Int16Array: 1, Int32Array: 1, Int64Array: 1],
                column![UInt8Array: 1, UInt16Array: 1, UInt32Array: 1, UInt64Array: 1],
                vec![dictionary(one(Int32Array::from(vec![1]))), runs(&Int64Array::from(vec![1]))],
            ]
            .concat(),
        ),
        case("integer -1", column![Int8Array: -1, Int16Array: -1, Int32Array: -1, Int64Array: -1]),
        case("integer 127", column![Int8Array: 127, UInt8Array: 127, Int64Array: 127]),
        case("integer i64 min", column![Int64Array: i64::MIN]),
        case("integer i64 max", column![Int64Array: i64::MAX, UInt64Array: i64::MAX as u64]),
        case("integer 2^63", column![UInt64Array: 1 << 63]),
        case("integer u64 max", column![UInt64Array: u64::MAX]),
        case(
            "float 0",
            [column![Float64Array: 0.0, Float64Array: -0.0, Float32Array: -0.0], vec![f16(-0.0)]].concat(),
        ),
        case("float 1.5", [column![Float64Array: 1.5, Float32Array: 1.5], vec![f16(1.5)]].concat()),
        case("float -1.5", [column![Float64Array: -1.5, Float32Array: -1.5], vec![f16(-1.5)]].concat()),
        case("float 0.1 of 64 bits", column![Float64Array: 0.1]),
        case("float 0.1 of 32 bits", column![Float32Array: 0.1, Float64Array: f64::from(0.1_f32)]),
        case("float 2^-24", [column![Float64Array: 2f64.powi(-24)], vec![f16(2f32.powi(-24))]].concat()),
        case(
            "float nan",
            [
                column![Float64Array: f64::NAN, Float64Array: -f64::NAN],
                column![Float64Array: f64::from_bits(0x7ff0_0000_0000_0001)],
                column![Float32Array: f32::NAN, Float32Array: f32::from_bits(0xff80_0001)],
                vec![f16(f32::NAN)],
            ]
            .concat(),
        ),
        case("float infinity", [column![Float64Array: f64::INFINITY], vec![f16(f32::INFINITY)]].concat()),
        case("float -infinity", column![Float64Array: f64::NEG_INFINITY, Float32Array: f32::NEG_INFINITY]),
    ]
}

fn d32(value: i32, scale: i8) -> ArrayRef {
    one(Decimal32Array::from(vec![value]).with_precision_and_scale(9, scale).unwrap())
}

fn d64(value: i64, scale: i8) -> ArrayRef {
    one(Decimal64Array::from(vec![value]).with_precision_and_scale(18, scale).unwrap())
}

fn d128(value: i128, scale: i8) -> ArrayRef {
    one(Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap())
}

fn d256(digits: &str, scale: i8) -> ArrayRef {
    let value = i256::from_string(digits).unwrap();
    one(Decimal256Array::from(vec![value]).with_precision_and_scale(76, scale).unwrap())
}

fn power_of_ten(exponent: usize) -> String {
    format!("1{}", "0".repeat(exponent))
}

fn decimals() -> Vec<Case> {
    let ten_60_plus_1 = format!("1{}1", "0".repeat(59));
    vec![
        case("decimal 0", vec![d32(0, 0), d64(0, 5), d128(0, 2), d128(0, -3), d256("0", 7)]),
        case(
            "decimal 1",
            vec![d32(1, 0), d64(100, 2), d128(10_i128.pow(30), 30), d256(&power_of_ten(70), 70)],
        ),
        case("decimal 1.5", vec![d32(15, 1), d32(150, 2), d64(1500, 3), d128(150, 2), d256("1500000", 6)]),
        case("decimal -0.05", vec![d32(-5, 2), d64(-50, 3), d128(-5_000_000, 8), d256("-500", 4)]),
        case(
            "decimal 1500",
            vec![d32(15, -2), d32(1500, 0), d64(150, -1), d128(150_000, 2), d256("15000", 1)],
        ),
        case("decimal 0.12", vec![d32(12, 2), d128(12, 2), d128(120, 3)]),
        case(
            "decimal 38 nines",
            vec![d128(10_i128.pow(38) - 1, 0), d256(&format!("{}00", "9".repeat(38)), 2)],
        ),
        case("decimal -(10^37) / 100", vec![d128(-10_i128.pow(37), 2), d64(-1, -35)]),
        case(
            "decimal (10^20 + 1) * 10^5",
            vec![
                d128(10_i128.pow(20) + 1, -5),
                d128((10_i128.pow(20) + 1) * 100_000, 0),
                d256("10000000000000000000100000000", 3),
            ],
        ),
        case(
            "decimal (10^60 + 1) / 1000",
            vec![d256(&ten_60_plus_1, 3), d256(&format!("{ten_60_plus_1}00"), 5)],
        ),
        case("decimal -(10^60 + 1)", vec![d256(&format!("-{ten_60_plus_1}"), 0)]),
        case("decimal 10^75", vec![d256(&power_of_ten(75), 0), d128(1, -75), d256(&power_of_ten(76), 1)]),
        case(
            "decimal 10^4 at scale -126",
            vec![d32(10_000, -126), d64(1000, -127), d128(100, -128), d256("100", -128)],
        ),
    ]
}

fn text(name: &'static str, value: &str) -> Case {
    let strings = one(StringArray::from(vec![value]));
    let variants = vec![
        one(LargeStringArray::from(vec![value])),
        one(StringViewArray::from(vec![value])),
        dictionary(strings.clone()),
        one(DictionaryArray::<Int32Type>::new(vec![1].into(), one(StringArray::from(vec!["other", value])))),
        runs(&strings),
        strings,
    ];
    case(name, variants)
}

fn strings() -> Vec<Case> {
    let bytes: &[u8] = &[0x00, 0xff];
    let fixed = FixedSizeBinaryArray::try_from_iter([bytes].into_iter()).unwrap();
    let binary = |value: &[u8]| column![BinaryArray: value, LargeBinaryArray: value, BinaryViewArray: value];
    vec![
        text("text empty", ""),
        text("text a", "a"),
        text("text Grüße", "Grüße"),
        text("text of 15", "abcdefghijklmno"),
        text("text of 16", "abcdefghijklmnop"),
        text("text of 127", &"x".repeat(127)),
        text("text of 128", &"x".repeat(128)),
        text("text of 239", &"x".repeat(239)),
        text("text of 240", &"x".repeat(240)),
        text("text of 5000", &"ab".repeat(2500)),
        case("binary empty", binary(b"")),
        case("binary 00ff", [binary(bytes), vec![one(fixed)]].concat()),
    ]
}

fn times() -> Vec<Case> {
    let zoned = |value| one(TimestampMillisecondArray::from(vec![value]).with_timezone("Europe/Berlin"));
    let utc = |value| one(TimestampNanosecondArray::from(vec![value]).with_timezone("UTC"));
    vec![
        case("date 1970-01-01", column![Date32Array: 0, Date64Array: 0, Date64Array: 86_399_999]),
        case("date 1969-12-31", column![Date32Array: -1, Date64Array: -86_400_000, Date64Array: -1]),
        case("date 2024-01-01", column![Date32Array: 19_723, Date64Array: 19_723 * 86_400_000]),
        case("timestamp 0", column![TimestampSecondArray: 0, TimestampNanosecondArray: 0]),
        case(
            "timestamp 1700000000",
            column![
                TimestampSecondArray: 1_700_000_000,
                TimestampMillisecondArray: 1_700_000_000_000,
                TimestampMicrosecondArray: 1_700_000_000_000_000,
                TimestampNanosecondArray: 1_700_000_000_000_000_000,
            ],
        ),
        case(
            "timestamp 1.5",
            column![
                TimestampMillisecondArray: 1_500,
                TimestampMicrosecondArray: 1_500_000,
                TimestampNanosecondArray: 1_500_000_000,
            ],
        ),
        case(
            "timestamp -0.001",
            column![
                TimestampMillisecondArray: -1,
                TimestampMicrosecondArray: -1_000,
                TimestampNanosecondArray: -1_000_000,
            ],
        ),
        case("timestamp -1 ns", column![TimestampNanosecondArray: -1]),
        case("timestamp i64 min s", column![TimestampSecondArray: i64::MIN]),
        case("instant 0", vec![zoned(0), utc(0)]),
        case("instant 1700000000", vec![zoned(1_700_000_000_000), utc(1_700_000_000_000_000_000)]),
        case("time 00:00", column![Time32SecondArray: 0, Time64NanosecondArray: 0]),
        case(
            "time 12:34:56",
            column![
                Time32SecondArray: 45_296,
                Time32MillisecondArray: 45_296_000,
                Time64MicrosecondArray: 45_296_000_000,
                Time64NanosecondArray: 45_296_000_000_000,
            ],
        ),
        case("time 1 ns", column![Time64NanosecondArray: 1]),
        case("duration 90 s", column![DurationSecondArray: 90, DurationMicrosecondArray: 90_000_000]),
        case("duration -1 ms", column![DurationMillisecondArray: -1, DurationNanosecondArray: -1_000_000]),
        case(
            "interval 14 months",
            column![
                IntervalYearMonthArray: 14,
                IntervalMonthDayNanoArray: IntervalMonthDayNano::new(14, 0, 0),
            ],
        ),
        case(
            "interval 3 days 5 ms",
            column![
                IntervalDayTimeArray: IntervalDayTime::new(3, 5),
                IntervalMonthDayNanoArray: IntervalMonthDayNano::new(0, 3, 5_000_000),
            ],
        ),
        case(
            "interval -1 month -2 days -3 ns",
            column![
                IntervalMonthDayNanoArray: IntervalMonthDayNano::new(-1, -2, -3),
            ],
        ),
    ]
}

/// One list of all the values, in every layout.
fn lists(values: &ArrayRef) -> Vec<ArrayRef> {
    let length = values.len();
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let (wide, narrow) = (length as i64, length as i32);
    vec![
        one(ListArray::new(field.clone(), OffsetBuffer::from_lengths([length]), values.clone(), None)),
        one(LargeListArray::new(field.clone(), OffsetBuffer::from_lengths([length]), values.clone(), None)),
        one(ListViewArray::new(field.clone(), vec![0].into(), vec![narrow].into(), values.clone(), None)),
        one(LargeListViewArray::new(field.clone(), vec![0].into(), vec![wide].into(), values.clone(), None)),
        one(FixedSizeListArray::try_new_with_length(field, narrow, values.clone(), None, 1).unwrap()),
    ]
}

fn structs(columns: &[ArrayRef]) -> ArrayRef {
    let field = |(index, column): (usize, &ArrayRef)| {
        Field::new(format!("{index}"), column.data_type().clone(), true)
    };
    let fields: Vec<_> = columns.iter().enumerate().map(field).collect();
    one(StructArray::new(fields.into(), columns.to_vec(), None))
}

fn map() -> ArrayRef {
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("b");
    map.values().append_null();
    map.append(true).unwrap();
    one(map.finish())
}

fn nested() -> Vec<Case> {
    let (text_a, one_a) = (one(StringArray::from(vec!["a"])), one(StringViewArray::from(vec!["a"])));
    let (narrow, wide) = (one(Int8Array::from(vec![1])), one(UInt64Array::from(vec![1])));
    let no_integer = new_null_array(&DataType::Float32, 1);
    let list_of_lists =
        ListArray::from_iter_primitive::<Int16Type, _, _>([Some(vec![Some(1)]), Some(vec![]), None]);
    let rows = StructArray::from((
        vec![
            (Arc::new(Field::new("n", DataType::Int8, true)), one(Int8Array::from(vec![1, 2])) as ArrayRef),
            (Arc::new(Field::new("t", DataType::Utf8, true)), one(StringArray::from(vec!["a", "b"]))),
        ],
        ScalarBuffer::<u8>::from(vec![0b01]).into_inner(),
    ));
    vec![
        case(
            "list empty",
            [lists(&one(Int32Array::from(vec![0; 0]))), lists(&one(NullArray::new(0)))].concat(),
        ),
        case("list 1 null 3", lists(&one(Int32Array::from(vec![Some(1), None, Some(3)])))),
        case("list a bc", lists(&one(StringViewArray::from(vec!["a", "bc"])))),
        case("list of lists", lists(&one(list_of_lists))),
        case("struct 1 a", vec![structs(&[narrow, text_a.clone()]), structs(&[wide, one_a.clone()])]),
        case("struct null a", vec![structs(&[no_integer, text_a])]),
        case("map a 1 b null", vec![map()]),
        case("list of structs", lists(&one(rows))),
    ]
}

fn rows() -> Vec<Case> {
    let text = |value| one(StringArray::from(vec![value]));
    let (integer, wide) = (one(Int16Array::from(vec![1])), one(Int64Array::from(vec![1])));
    let seven = one(UInt8Array::from(vec![7]));
    let float = one(Float32Array::from(vec![1.5]));
    vec![
        ("columns 1 a", vec![vec![integer.clone(), text("a")], vec![wide, dictionary(text("a"))]]),
        ("columns a 1", vec![vec![text("a"), integer]]),
        ("columns null null", vec![vec![one(NullArray::new(1)), new_null_array(&DataType::Int64, 1)]]),
        ("columns 7 1.5 b true", vec![vec![seven, float, text("b"), one(BooleanArray::from(vec![true]))]]),
    ]
}
