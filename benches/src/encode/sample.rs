//! Rows to encode, made of lineitem.

use super::Rate;
use crate::contender::Contender;
use crate::dataset::{Dataset, create_table, quoted};
use crate::measure;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::TryStreamExt;
use gristmill_engine::formats::{
    ColumnRoles, Columns, Encoder, FormatDefaults, FormatKind, FormatOptions, format,
};
use gristmill_engine::{Error, Result};
use std::path::Path;
use std::time::Instant;

/// Encoded bytes are dropped in pieces of this size, that in which a shard hands them over: they stay in the cache.
const PIECE_BYTES: usize = 512 * 1024;

/// What rows look like, and which formats they are encoded in.
#[derive(Debug)]
pub(super) struct SampleSpec {
    pub(super) name: &'static str,
    /// The columns, the label first.
    columns: &'static str,
    /// One of so many rows of lineitem.
    one_of: u64,
    pub(super) formats: &'static [&'static str],
    /// How `peers/encode.py` takes such rows, if it does.
    pub(super) peers: Option<&'static str>,
}

/// Numbers as feature pipelines make them, a table of all types, images and sentences.
pub(super) const SAMPLES: [SampleSpec; 5] = [
    SampleSpec {
        name: "floats",
        columns: "CAST(l_linenumber AS FLOAT) AS label, \
            CAST(ln(l_extendedprice) AS FLOAT) AS f1, CAST(sin(l_orderkey) AS FLOAT) AS f2, \
            CAST(cos(l_orderkey) AS FLOAT) AS f3, CAST(sin(l_partkey) AS FLOAT) AS f4, \
            CAST(cos(l_partkey) AS FLOAT) AS f5, CAST(sin(l_suppkey) AS FLOAT) AS f6, \
            CAST(cos(l_suppkey) AS FLOAT) AS f7, CAST((l_quantity - 25.5) / 14.43 AS FLOAT) AS f8, \
            CAST(sqrt(l_extendedprice) AS FLOAT) AS f9, CAST(sin(l_partkey * 3) AS FLOAT) AS f10, \
            CAST(cos(l_partkey * 3) AS FLOAT) AS f11, CAST(sin(l_suppkey * 7) AS FLOAT) AS f12, \
            CAST(cos(l_suppkey * 7) AS FLOAT) AS f13, CAST(sin(l_orderkey * 5) AS FLOAT) AS f14, \
            CAST(cos(l_orderkey * 5) AS FLOAT) AS f15",
        one_of: 1,
        formats: &["CSV", "PARQUET", "LIBSVM", "RECORDIO", "TFRECORD", "JSONL", "ARROW", "MDS"],
        peers: Some("--numeric"),
    },
    SampleSpec {
        name: "integers",
        columns: "l_linenumber AS label, l_orderkey, l_partkey, l_suppkey, \
            CAST(l_quantity AS BIGINT) AS quantity, CAST(l_extendedprice * 100 AS BIGINT) AS cents, \
            l_orderkey * 8 + l_linenumber AS id, CAST(l_discount * 100 AS BIGINT) AS percent",
        one_of: 1,
        formats: &["CSV", "PARQUET", "LIBSVM", "RECORDIO"],
        peers: Some("--numeric"),
    },
    SampleSpec {
        name: "mixed",
        columns: "l_orderkey, l_partkey, l_suppkey, l_linenumber, CAST(l_quantity AS DOUBLE) AS l_quantity, \
            CAST(l_extendedprice AS DOUBLE) AS l_extendedprice, CAST(l_discount AS DOUBLE) AS l_discount, \
            CAST(l_tax AS DOUBLE) AS l_tax, l_returnflag, l_linestatus, \
            CAST(l_shipdate AS VARCHAR) AS l_shipdate, CAST(l_commitdate AS VARCHAR) AS l_commitdate, \
            CAST(l_receiptdate AS VARCHAR) AS l_receiptdate, l_shipinstruct, l_shipmode, l_comment",
        one_of: 1,
        formats: &["CSV", "PARQUET", "TFRECORD", "JSONL", "ARROW", "MDS", "WEBDATASET"],
        peers: Some("--mixed"),
    },
    SampleSpec {
        name: "images",
        columns: "CAST(l_linenumber AS FLOAT) AS label, \
            arrow_cast(repeat(l_comment, 400), 'Binary') AS jpg",
        one_of: 40,
        formats: &["IMAGE_RECORDIO", "WEBDATASET", "MDS", "TFRECORD"],
        peers: None,
    },
    SampleSpec {
        name: "sentences",
        columns: "l_returnflag AS label, l_comment AS words",
        one_of: 1,
        formats: &["BLAZINGTEXT", "JSONL", "AUGMENTED_MANIFEST"],
        peers: None,
    },
];

/// Rows to encode.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) schema: SchemaRef,
    rows: u64,
    /// What makes the table that `query` reads.
    table: String,
    query: String,
}

impl Sample {
    /// Those of `spec`, of about `rows` rows of lineitem.
    ///
    /// # Errors
    /// Those of the query.
    pub(super) fn load(spec: &SampleSpec, dataset: &Dataset, rows: u64) -> Result<Self> {
        let SampleSpec { name, columns, one_of, .. } = spec;
        let query =
            format!("SELECT {columns} FROM lineitem WHERE l_orderkey <= {rows} AND l_partkey % {one_of} = 0");
        let table = create_table("lineitem", &dataset.file("lineitem"));
        let (schema, batches) = measure::runtime()?.block_on(async {
            let contender = Contender::gristmill(&[])?;
            contender.run(&table).await?;
            let stream = contender.stream(&query).await?;
            Ok::<(SchemaRef, Vec<RecordBatch>), Error>((stream.schema(), stream.try_collect().await?))
        })?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(Self { name, batches, schema, rows, table, query })
    }

    /// Writes the rows to a Parquet file.
    ///
    /// # Errors
    /// Those of the statement.
    pub(super) fn save(&self, file: &Path) -> Result<()> {
        measure::runtime()?.block_on(async {
            let contender = Contender::gristmill(&[])?;
            contender.run(&self.table).await?;
            contender.run(&format!("COPY ({}) TO '{}'", self.query, quoted(file))).await?;
            Ok(())
        })
    }

    /// Encodes everything once to warm up, and then on the clock.
    ///
    /// # Errors
    /// Those of the encoder.
    pub(super) fn time(&self, format: &str, runs: u32) -> Result<Rate> {
        let bytes = self.encode(format)?;
        let mut seconds = Vec::new();
        for _ in 0..runs {
            let started = Instant::now();
            self.encode(format)?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        let format = format.to_owned();
        Ok(Rate { sample: self.name, format, rows: self.rows, bytes, seconds, peers: Vec::new() })
    }

    fn encode(&self, name: &str) -> Result<u64> {
        let mut encoder = self.encoder(name)?;
        let mut piece = Vec::with_capacity(4 * PIECE_BYTES);
        let mut bytes = 0;
        for batch in &self.batches {
            encoder.encode(batch, &mut piece)?;
            if piece.len() >= PIECE_BYTES {
                bytes += piece.len();
                piece.clear();
            }
        }
        encoder.finish(&mut piece)?;
        Ok((bytes + piece.len()) as u64)
    }

    fn encoder(&self, name: &str) -> Result<Box<dyn Encoder>> {
        let kind = FormatKind::parse(name)?;
        let options = FormatOptions::take(kind, &mut [].into(), FormatDefaults::TRAINING_SET)?;
        let roles = ColumnRoles { labels: 1, ..ColumnRoles::default() };
        format(&options).encoder(&Columns::new(self.schema.clone(), roles)?)
    }
}
