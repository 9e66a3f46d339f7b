//! RecordIO shards of images, as MXNet's `ImageRecordIter` reads them: SageMaker's Image Classification and Object
//! Detection. It owns the columns it wants and the records; `frame` owns the framing, `companions` the index and list.
//!
//! A record is a header, the labels if there are more than one, and the image as it is encoded:
//!
//! ```text
//! u32 flag | f32 label | u64 id | u64 0 | flag × f32 | image
//! ```
//!
//! **Source** MXNet's `image_recordio.h` and `tools/im2rec.py --pass-through`.

mod companions;
mod frame;

use super::plain_types::plain_type;
use super::value_lists::{Kind, ValueLists, Values, kind_of};
use super::{ColumnRoles, Columns, Encoder, Format, Role, ShardExtras, refuse_column, sql_name};
use crate::error::{Code, Error, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field};
use companions::{INDEX, LIST, Listing};
use frame::Frame;

/// `STORED AS IMAGE_RECORDIO`.
#[derive(Debug)]
pub(super) struct ImageRecordIo;

impl Format for ImageRecordIo {
    fn name(&self) -> &'static str {
        "IMAGE_RECORDIO"
    }

    fn extension(&self) -> String {
        "rec".to_owned()
    }

    fn content_type(&self, _roles: ColumnRoles) -> String {
        "application/x-recordio".to_owned()
    }

    fn roles(&self) -> &'static [Role] {
        &[Role::Key]
    }

    fn companions(&self) -> &'static [&'static str] {
        &[INDEX, LIST]
    }

    fn check(&self, columns: &Columns) -> Result<()> {
        Layout::new(columns).map(|_| ())
    }

    fn encoder(&self, columns: &Columns) -> Result<Box<dyn Encoder>> {
        let layout = Layout::new(columns)?;
        let labels = Vec::with_capacity(layout.labels.len());
        Ok(Box::new(ImageEncoder { layout, labels, listing: Listing::default(), offset: 0, next_id: 0 }))
    }
}

/// Which column is what.
#[derive(Debug)]
struct Layout {
    labels: Vec<Field>,
    key: Option<Place>,
    image: Place,
    path: Option<Place>,
    columns: usize,
}

#[derive(Debug)]
struct Place {
    index: usize,
    field: Field,
}

impl Layout {
    /// **Errors** [`Code::UnsupportedColumnType`] for labels that are no numbers, keys that are no integers and a
    /// feature that is neither image nor path; [`Code::Unsupported`] where labels or images are missing.
    fn new(columns: &Columns) -> Result<Layout> {
        if columns.labels().is_empty() {
            return Err(missing("a label").with_hint("name the class of each image in LABEL"));
        }
        let labels = columns.labels().iter().map(|field| check_label(field)).collect::<Result<_>>()?;
        let key = columns.roles().position(Role::Key).map(|index| check_key(columns, index)).transpose()?;
        let (mut image, mut path) = (None, None);
        for index in columns.feature_range() {
            let field = columns.schema().field(index);
            let place = match plain_type(field.data_type()) {
                DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => &mut image,
                DataType::Utf8 | DataType::LargeUtf8 => &mut path,
                _ => return Err(no_place(field)),
            };
            if place.is_some() {
                return Err(no_place(field));
            }
            *place = Some(Place { index, field: field.clone() });
        }
        let image = image.ok_or_else(|| {
            missing("an image").with_hint("select a binary column with the encoded images, such as JPEG")
        })?;
        Ok(Layout { labels, key, image, path, columns: columns.count() })
    }
}

fn missing(what: &str) -> Error {
    Error::new(Code::Unsupported, format!("IMAGE_RECORDIO cannot hold rows without {what}"))
}

fn check_label(field: &Field) -> Result<Field> {
    match kind_of(field.data_type()) {
        Some(Kind::Integer | Kind::Float) => Ok(field.clone()),
        _ => Err(refuse_column("IMAGE_RECORDIO", field, &format!("CAST({} AS REAL)", sql_name(field)))),
    }
}

fn check_key(columns: &Columns, index: usize) -> Result<Place> {
    let field = columns.schema().field(index).clone();
    if plain_type(field.data_type()).is_integer() {
        return Ok(Place { index, field });
    }
    Err(refuse_column("IMAGE_RECORDIO", &field, &format!("CAST({} AS BIGINT)", sql_name(&field))))
}

/// A feature that is no image and no path, or a second of them.
fn no_place(field: &Field) -> Error {
    let (name, data_type) = (field.name(), field.data_type());
    let message = format!("column \"{name}\" has type {data_type}, for which IMAGE_RECORDIO has no place");
    Error::new(Code::UnsupportedColumnType, message).with_hint(
        "beside labels and key, select one binary column, the image, and at most one of text, its path",
    )
}

/// One shard of images.
///
/// **Limits** holds the index and the list of the shard: some tens of bytes a row.
#[derive(Debug)]
struct ImageEncoder {
    layout: Layout,
    /// Of the row at hand.
    labels: Vec<f32>,
    listing: Listing,
    /// Bytes of the shard so far.
    offset: u64,
    next_id: u64,
}

/// The columns of one batch.
struct Batch {
    labels: Vec<ValueLists>,
    key: Option<ValueLists>,
    image: ValueLists,
    path: Option<ValueLists>,
}

impl ImageEncoder {
    fn columns(&self, batch: &RecordBatch) -> Result<Batch> {
        let layout = &self.layout;
        if batch.num_columns() != layout.columns {
            let message =
                format!("a batch of {} columns came for a file of {}", batch.num_columns(), layout.columns);
            return Err(Error::new(Code::Internal, message));
        }
        let labels = layout.labels.iter().zip(batch.columns());
        let lists = |place: &Place, kind| ValueLists::new(batch.column(place.index), &place.field, kind);
        Ok(Batch {
            labels: labels
                .map(|(field, array)| ValueLists::new(array, field, Kind::Float))
                .collect::<Result<_>>()?,
            key: layout.key.as_ref().map(|place| lists(place, Kind::Integer)).transpose()?,
            image: lists(&layout.image, Kind::Bytes)?,
            path: layout.path.as_ref().map(|place| lists(place, Kind::Bytes)).transpose()?,
        })
    }

    fn read_labels(&mut self, batch: &Batch, row: usize) -> Result<()> {
        self.labels.clear();
        for (field, lists) in self.layout.labels.iter().zip(&batch.labels) {
            let range =
                lists.range(row, field)?.ok_or_else(|| null_in(field, "MXNet has no missing labels"))?;
            let Values::Floats(values) = &lists.values else { continue };
            self.labels.extend_from_slice(&values[range]);
        }
        if self.labels.is_empty() {
            let message = format!("column \"{}\" has a list without labels", self.layout.labels[0].name());
            return Err(Error::new(Code::BadRow, message).with_hint("leave such rows out with WHERE"));
        }
        Ok(())
    }

    fn read_id(&self, batch: &Batch, row: usize) -> Result<u64> {
        let (Some(place), Some(lists)) = (&self.layout.key, &batch.key) else { return Ok(self.next_id) };
        let range = lists.range(row, &place.field)?;
        let range = range.ok_or_else(|| null_in(&place.field, "leave such rows out with WHERE"))?;
        let id = match &lists.values {
            Values::Integers(values) => u64::try_from(values[range.start]).ok(),
            Values::Unsigned(values) => Some(values[range.start]),
            _ => None,
        };
        id.ok_or_else(|| {
            let message = format!("column \"{}\" has a negative key", place.field.name());
            Error::new(Code::BadRow, message).with_hint("ids of images are whole numbers from 0")
        })
    }

    fn encode_row(&mut self, batch: &Batch, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.read_labels(batch, row)?;
        let id = self.read_id(batch, row)?;
        let image = bytes_of(&batch.image, row, &self.layout.image.field)?;
        let image = image
            .ok_or_else(|| null_in(&self.layout.image.field, "leave rows without an image out with WHERE"))?;
        let path = match (&self.layout.path, &batch.path) {
            (Some(place), Some(lists)) => bytes_of(lists, row, &place.field)?,
            _ => None,
        };
        let start = out.len();
        let frame = Frame::begin(out);
        let (flag, label) = match self.labels.as_slice() {
            [label] => (0, *label),
            labels => (u32::try_from(labels.len()).unwrap_or(u32::MAX), 0.0),
        };
        out.extend_from_slice(&flag.to_le_bytes());
        out.extend_from_slice(&label.to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&0u64.to_le_bytes());
        if flag > 0 {
            self.labels.iter().for_each(|label| out.extend_from_slice(&label.to_le_bytes()));
        }
        out.extend_from_slice(image);
        frame.end(out)?;
        self.listing.push(id, self.offset, &self.labels, path)?;
        self.offset += (out.len() - start) as u64;
        self.next_id += 1;
        Ok(())
    }
}

impl Encoder for ImageEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let columns = self.columns(batch)?;
        (0..batch.num_rows()).try_for_each(|row| self.encode_row(&columns, row, out))
    }

    fn buffered_bytes(&self) -> usize {
        0
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<ShardExtras> {
        let companions = std::mem::take(&mut self.listing).companions();
        Ok(ShardExtras { companions, ..ShardExtras::default() })
    }
}

fn bytes_of<'a>(lists: &'a ValueLists, row: usize, field: &Field) -> Result<Option<&'a [u8]>> {
    Ok(lists.range(row, field)?.and_then(|range| match &lists.values {
        Values::Bytes(values) => Some(values.value(range.start)),
        Values::LargeBytes(values) => Some(values.value(range.start)),
        _ => None,
    }))
}

fn null_in(field: &Field, hint: &str) -> Error {
    Error::new(Code::BadRow, format!("column \"{}\" has a null", field.name())).with_hint(hint)
}

#[cfg(test)]
mod tests;
