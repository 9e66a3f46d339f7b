//! What the columns of an algorithm have to be, by name and type, where its format could hold others.

use crate::error::{Code, Error, Result};
use crate::formats::{Columns, FormatKind, FormatOptions, JsonTimestamps, plain_type, type_name};
use arrow::datatypes::{DataType, Field, FieldRef};

/// Ends the name of an attribute that describes another one, as Ground Truth writes it; no algorithm reads it.
const METADATA: &str = "-metadata";
/// Ends the name of an attribute that is a reference to an object.
const REFERENCE: &str = "-ref";

/// What the columns have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnRule {
    /// What the format can hold.
    Any,
    /// Numbers all.
    Numbers,
    /// `start`, `target`, and maybe `cat` and `dynamic_feat`: DeepAR's.
    TimeSeries,
    /// `in0`, `in1` and `label`: Object2Vec's.
    Pairs,
    /// An entity and the address that it came from: IP Insights'.
    Accesses,
    /// As a manifest: `source` and `label`.
    Text,
    /// As a manifest: `source-ref` and an attribute that is the label.
    Image,
    /// As a manifest: `source-ref` and a reference to a mask.
    ImageAndMask,
}

impl ColumnRule {
    /// Refuses columns that the algorithm of that name cannot read.
    ///
    /// # Errors
    /// `BadOption` for columns that are missing or too many, `UnsupportedColumnType` for a type.
    pub(super) fn check(self, algorithm: &str, options: &FormatOptions, columns: &Columns) -> Result<()> {
        let table = Table { algorithm, fields: columns.schema().fields() };
        let is_manifest = options.kind() == FormatKind::AugmentedManifest;
        match self {
            Self::Numbers => table.check_numbers(options),
            Self::TimeSeries => table.check_time_series(options),
            Self::Pairs => table.check_pairs(),
            Self::Accesses => table.check_accesses(),
            Self::Text if is_manifest => table.check_text(),
            Self::Image if is_manifest => {
                table.check_image("an attribute that is the label", |name| !name.ends_with(REFERENCE))
            }
            Self::ImageAndMask if is_manifest => {
                table.check_image("a mask-ref", |name| name.ends_with(REFERENCE))
            }
            _ => Ok(()),
        }
    }

    /// `AttributeNames` of a manifest's columns: in the order in which the algorithm takes them from the pipe, and
    /// otherwise references first, then in the order of the columns.
    pub(super) fn attributes<'a>(self, columns: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let first = match self {
            Self::Image | Self::ImageAndMask => "source-ref",
            Self::Text => "source",
            _ => "",
        };
        let mut names: Vec<&str> =
            columns.filter(|name| first.is_empty() || !name.ends_with(METADATA)).collect();
        names.sort_by_key(|name| (*name != first, !name.ends_with(REFERENCE)));
        names
    }
}

/// The columns of a statement, and the algorithm that is to read them.
struct Table<'a> {
    algorithm: &'a str,
    fields: &'a [FieldRef],
}

impl<'a> Table<'a> {
    fn find(&self, name: &str) -> Option<&'a Field> {
        self.fields.iter().find(|field| field.name() == name).map(|field| field.as_ref())
    }

    fn column(&self, name: &str) -> Result<&'a Field> {
        self.find(name).ok_or_else(|| {
            let message =
                format!("algorithm {} reads a column \"{name}\", and there is none", self.algorithm);
            let quote = if name.contains('-') { "\"" } else { "" };
            Error::new(Code::BadOption, message).with_hint(format!("name it with AS {quote}{name}{quote}"))
        })
    }

    /// Refuses a column of a type that is not `wanted`; `fix` is an expression that would do.
    fn expect(&self, field: &Field, fits: bool, wanted: &str, fix: &str) -> Result<()> {
        if fits {
            return Ok(());
        }
        let (name, found) = (field.name(), type_name(field.data_type()));
        let message =
            format!("column \"{name}\" is {found}, and algorithm {} reads {wanted}", self.algorithm);
        Err(Error::new(Code::UnsupportedColumnType, message).with_hint(format!("select {fix}")))
    }

    fn check_numbers(&self, options: &FormatOptions) -> Result<()> {
        let takes_lists = match options {
            FormatOptions::Csv(_) => true,
            FormatOptions::Parquet(_) => false,
            // Others hold numbers only.
            _ => return Ok(()),
        };
        match self.fields.iter().find(|field| !is_number(field.data_type(), takes_lists)) {
            None => Ok(()),
            Some(field) => {
                let (name, found) = (field.name(), type_name(field.data_type()));
                let message = format!(
                    "column \"{name}\" is {found}, and algorithm {} reads numbers only",
                    self.algorithm
                );
                Err(Error::new(Code::UnsupportedColumnType, message)
                    .with_hint("encode it as a number in the query, or leave it out"))
            }
        }
    }

    fn check_time_series(&self, options: &FormatOptions) -> Result<()> {
        self.check_start(self.column("start")?, options)?;
        let target = self.column("target")?;
        let numbers = |item: &DataType| item.is_numeric();
        self.expect(
            target,
            is_list_of(target.data_type(), numbers),
            "a list of numbers",
            "array_agg(value ORDER BY time) AS target",
        )?;
        if let Some(cat) = self.find("cat") {
            let whole = |item: &DataType| item.is_integer();
            let fits = whole(&plain_type(cat.data_type())) || is_list_of(cat.data_type(), whole);
            self.expect(cat, fits, "a list of integers", "make_array(CAST(category AS BIGINT)) AS cat")?;
        }
        if let Some(features) = self.find("dynamic_feat") {
            let fits = is_list_of(features.data_type(), |series| is_list_of(series, numbers));
            let fix = "make_array(array_agg(feature ORDER BY time)) AS dynamic_feat";
            self.expect(features, fits, "a list of lists of numbers", fix)?;
        }
        Ok(())
    }

    /// DeepAR reads `YYYY-MM-DD HH:MM:SS`, and in Parquet timestamps; neither has a time zone.
    fn check_start(&self, start: &Field, options: &FormatOptions) -> Result<()> {
        let fits = match plain_type(start.data_type()) {
            DataType::Timestamp(_, zone) => match options {
                FormatOptions::Jsonl(jsonl) if jsonl.timestamp_format == JsonTimestamps::Iso => {
                    let message = format!(
                        "option 'timestamp_format' writes \"start\" as algorithm {} cannot read it",
                        self.algorithm
                    );
                    return Err(Error::new(Code::BadOption, message)
                        .with_hint("leave it out: for this algorithm it is 'sql'"));
                }
                FormatOptions::Parquet(_) => zone.is_none(),
                _ => true,
            },
            other => is_text(&other),
        };
        self.expect(start, fits, "a timestamp without time zone", "CAST(start AS TIMESTAMP) AS start")
    }

    fn check_pairs(&self) -> Result<()> {
        for name in ["in0", "in1"] {
            let field = self.column(name)?;
            let fits = is_list_of(field.data_type(), |item| item.is_integer());
            let fix = format!("a list of tokens, such as make_array(CAST({name} AS BIGINT)) AS {name}");
            self.expect(field, fits, "a list of integers", &fix)?;
        }
        let label = self.column("label")?;
        let fits = plain_type(label.data_type()).is_numeric();
        self.expect(label, fits, "a number", "a number, such as CAST(label AS BIGINT) AS label")
    }

    fn check_accesses(&self) -> Result<()> {
        let [entity, address] = self.fields else {
            let (algorithm, count) = (self.algorithm, self.fields.len());
            let message = format!("algorithm {algorithm} reads two columns, and the statement has {count}");
            return Err(Error::new(Code::BadOption, message).with_hint(
                "select the name of an entity and the IPv4 address that it came from, in that order",
            ));
        };
        let plain = plain_type(entity.data_type());
        let fits = is_text(&plain) || plain.is_integer();
        self.expect(entity, fits, "the name of an entity", "it as text, such as CAST(entity AS VARCHAR),")?;
        let fits = is_text(&plain_type(address.data_type()));
        self.expect(address, fits, "an IPv4 address", "text such as '192.168.1.2'")
    }

    fn check_text(&self) -> Result<()> {
        let (source, label) = (self.column("source")?, self.column("label")?);
        let fits = is_text(&plain_type(source.data_type()));
        self.expect(source, fits, "text", "CAST(source AS VARCHAR) AS source")?;
        let is_class = |item: &DataType| item.is_integer() || is_text(item);
        let fits = is_class(&plain_type(label.data_type())) || is_list_of(label.data_type(), is_class);
        self.expect(label, fits, "a class or a list of classes", "CAST(label AS BIGINT) AS label")?;
        self.check_attributes(2, "source and label")
    }

    /// `source-ref`, and one other attribute whose name `fits`.
    fn check_image(&self, other: &str, fits: impl Fn(&str) -> bool) -> Result<()> {
        let source = self.column("source-ref")?;
        let wanted = format!("source-ref and {other}");
        self.check_attributes(2, &wanted)?;
        let others = self.attributes().filter(|field| field.name() != source.name());
        match others.into_iter().find(|field| !fits(field.name())) {
            None => Ok(()),
            Some(field) => Err(self.wrong_attributes(&wanted, field.name())),
        }
    }

    fn attributes(&self) -> impl Iterator<Item = &'a FieldRef> {
        self.fields.iter().filter(|field| !field.name().ends_with(METADATA))
    }

    fn check_attributes(&self, count: usize, wanted: &str) -> Result<()> {
        if self.attributes().count() == count {
            return Ok(());
        }
        let found: Vec<&str> = self.attributes().map(|field| field.name().as_str()).collect();
        Err(self.wrong_attributes(wanted, &found.join(", ")))
    }

    fn wrong_attributes(&self, wanted: &str, found: &str) -> Error {
        let message = format!("algorithm {} reads {wanted}, and the statement has {found}", self.algorithm);
        Error::new(Code::BadOption, message)
            .with_hint("select those two; columns whose names end in -metadata may come with them")
    }
}

fn is_number(data_type: &DataType, takes_lists: bool) -> bool {
    match data_type {
        DataType::Boolean => true,
        DataType::Dictionary(_, values) => is_number(values, false),
        DataType::FixedSizeList(item, _) => takes_lists && is_number(item.data_type(), false),
        number => number.is_numeric(),
    }
}

fn is_text(plain: &DataType) -> bool {
    matches!(plain, DataType::Utf8 | DataType::LargeUtf8)
}

/// Whether it is a list, of any or a fixed length, of items that fit.
fn is_list_of(data_type: &DataType, fits: impl Fn(&DataType) -> bool) -> bool {
    match plain_type(data_type) {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            fits(item.data_type())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
