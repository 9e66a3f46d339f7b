//! Nodes from arrays.

use super::super::super::plain_types::{plain_array, plain_type};
use super::super::super::printing::arrays::{
    MS_PER_DAY, buffer, decoded, is_instant, text_of, ticks, widened,
};
use super::super::super::printing::page::Page;
use super::super::super::printing::times::TimestampStyle;
use super::super::text::{needs_escape, push_string};
use super::super::{JsonStyle, JsonTimestamps};
use super::{Member, Node, Values};
use crate::error::{Code, Error, Result};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Field,
    FieldRef, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

impl Member {
    /// The column `array`, whose values are printed as the type of the array says, under the name of `field`.
    ///
    /// **Errors** [`Code::Internal`] for a type that JSON has no form for.
    pub(in super::super) fn new(array: &ArrayRef, field: &Field, style: JsonStyle) -> Result<Member> {
        let mut name = vec![b','];
        let mut page = Page::new(&mut name);
        push_string(&mut page, field.name().as_bytes());
        page.push_bytes(b":");
        page.finish();
        Ok(Member { name, node: Node::new(array, field, style)? })
    }
}

impl Node {
    fn new(array: &ArrayRef, field: &Field, style: JsonStyle) -> Result<Node> {
        let array = match array.data_type() {
            view @ (DataType::ListView(_) | DataType::LargeListView(_)) => {
                plain_array(array, &Field::new(field.name(), plain_type(view), true))?
            }
            _ => decoded(array, field)?,
        };
        let values = match scalars(&array, style).or_else(|| texts(&array)) {
            Some(values) => values,
            None => nested(&array, style)?.ok_or_else(|| {
                let (name, came, planned) = (field.name(), array.data_type(), field.data_type());
                let message = format!("column \"{name}\" came as {came} and was planned as {planned}");
                Error::new(Code::Internal, message)
            })?,
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Ok(Node { has_times: has_times(&values), values, nulls })
    }
}

fn has_times(values: &Values) -> bool {
    match values {
        Values::Time(..) => true,
        Values::List { items, .. } | Values::LargeList { items, .. } | Values::FixedList { items, .. } => {
            items.has_times
        }
        Values::Struct(members, _) => members.iter().any(|member| member.node.has_times),
        Values::Map { entries, .. } => entries.0.has_times || entries.1.has_times,
        _ => false,
    }
}

fn scalars(array: &ArrayRef, style: JsonStyle) -> Option<Values> {
    Some(match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Boolean(array.as_boolean().values().clone()),
        DataType::Int8 => Values::Int64(widened::<Int8Type, i64>(array)),
        DataType::Int16 => Values::Int64(widened::<Int16Type, i64>(array)),
        DataType::Int32 => Values::Int64(widened::<Int32Type, i64>(array)),
        DataType::Int64 => Values::Int64(buffer::<Int64Type>(array)),
        DataType::UInt8 => Values::UInt64(widened::<UInt8Type, u64>(array)),
        DataType::UInt16 => Values::UInt64(widened::<UInt16Type, u64>(array)),
        DataType::UInt32 => Values::UInt64(widened::<UInt32Type, u64>(array)),
        DataType::UInt64 => Values::UInt64(buffer::<UInt64Type>(array)),
        DataType::Float16 => Values::Float16(buffer::<Float16Type>(array), style.nan),
        DataType::Float32 => Values::Float32(buffer::<Float32Type>(array), style.nan),
        DataType::Float64 => Values::Float64(buffer::<Float64Type>(array), style.nan),
        DataType::Decimal32(_, scale) => Values::Decimal64(widened::<Decimal32Type, i64>(array), *scale),
        DataType::Decimal64(_, scale) => Values::Decimal64(buffer::<Decimal64Type>(array), *scale),
        DataType::Decimal128(_, scale) => Values::Decimal128(buffer::<Decimal128Type>(array), *scale),
        DataType::Decimal256(_, scale) => Values::Decimal256(buffer::<Decimal256Type>(array), *scale),
        DataType::Date32 => Values::Date(widened::<Date32Type, i64>(array)),
        DataType::Date64 => {
            let values = buffer::<Date64Type>(array);
            Values::Date(values.iter().map(|ms| ms.div_euclid(MS_PER_DAY)).collect())
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let (ticks, unit) = ticks(array)?;
            Values::Time(ticks, unit)
        }
        DataType::Timestamp(_, zone) => {
            let (ticks, unit) = ticks(array)?;
            let (separator, has_zone) = match style.timestamps {
                JsonTimestamps::Iso => (b'T', is_instant(zone.as_deref())),
                JsonTimestamps::Sql => (b' ', false),
            };
            Values::Timestamp(ticks, TimestampStyle { unit, separator, has_zone })
        }
        _ => return None,
    })
}

fn texts(array: &ArrayRef) -> Option<Values> {
    Some(match array.data_type() {
        DataType::Utf8 => {
            let values = array.as_string::<i32>().clone();
            Values::Text { is_plain: !needs_escape(text_of(&values)), values }
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>().clone();
            Values::LargeText { is_plain: !needs_escape(text_of(&values)), values }
        }
        DataType::Utf8View => Values::TextView(array.as_string_view().clone()),
        DataType::Binary => Values::Binary(array.as_binary::<i32>().clone()),
        DataType::LargeBinary => Values::LargeBinary(array.as_binary::<i64>().clone()),
        DataType::BinaryView => Values::BinaryView(array.as_binary_view().clone()),
        DataType::FixedSizeBinary(_) => Values::FixedBinary(array.as_fixed_size_binary().clone()),
        _ => return None,
    })
}

fn nested(array: &ArrayRef, style: JsonStyle) -> Result<Option<Values>> {
    let node = |array: &ArrayRef, field: &FieldRef| Node::new(array, field, style);
    Ok(Some(match array.data_type() {
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            Values::List { offsets: list.offsets().clone(), items: Box::new(node(list.values(), item)?) }
        }
        DataType::LargeList(item) => {
            let list = array.as_list::<i64>();
            Values::LargeList { offsets: list.offsets().clone(), items: Box::new(node(list.values(), item)?) }
        }
        DataType::FixedSizeList(item, size) => {
            let items = Box::new(node(array.as_fixed_size_list().values(), item)?);
            Values::FixedList { size: usize::try_from(*size).unwrap_or(0), items }
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let members = columns.map(|(array, field)| Member::new(array, field, style));
            Values::Struct(members.collect::<Result<_>>()?, style)
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let (key, value) = map.entries_fields();
            let keys = Node::new(map.keys(), key, style)?;
            let values = Node::new(map.values(), value, style)?;
            Values::Map { offsets: map.offsets().clone(), entries: Box::new((keys, values)) }
        }
        _ => return Ok(None),
    }))
}
