//! One file that is being written: an upload that becomes visible when it is complete.

use super::Table;
use super::encode::{ChunkEncoder, Content, EncodedChunk, parquet_error};
use gristmill_engine::storage::{self, Location};
use gristmill_engine::{Code, Error, Result};
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use std::sync::Arc;

/// S3 takes at most 10,000 parts: with parts of this size a file may have 320 GB.
const PART_BYTES: usize = 32 * 1024 * 1024;
/// Parts under way at a time.
const PARTS_IN_FLIGHT: usize = 4;

/// A file that is being written. It must end with [`OpenFile::publish`] or [`OpenFile::abort`].
pub(super) struct OpenFile {
    location: Location,
    upload: WriteMultipart,
    parquet: Option<SerializedFileWriter<Vec<u8>>>,
    bytes: u64,
}

impl OpenFile {
    /// Starts the file of `table` at `location`; nothing is visible there yet.
    ///
    /// # Errors
    /// What the object store says.
    pub(super) async fn create(
        store: &dyn ObjectStore,
        location: &Location,
        table: Table,
        encoder: &ChunkEncoder,
    ) -> Result<Self> {
        let upload = store
            .put_multipart(location.object_path())
            .await
            .map_err(|error| storage::error(location, error))?;
        let parquet = match encoder {
            ChunkEncoder::Parquet(_) => Some(parquet_writer(table)?),
            ChunkEncoder::Csv => None,
        };
        let upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Ok(Self { location: location.clone(), upload, parquet, bytes: 0 })
    }

    /// Appends a chunk and waits while too much is under way. Gives how many bytes the file has now.
    ///
    /// # Errors
    /// What the object store says.
    pub(super) async fn append(&mut self, encoded: EncodedChunk) -> Result<u64> {
        match (encoded.content, &mut self.parquet) {
            (Content::RowGroup(columns), Some(writer)) => {
                let mut row_group = writer.next_row_group().map_err(parquet_error)?;
                for column in columns {
                    column.append_to_row_group(&mut row_group).map_err(parquet_error)?;
                }
                row_group.close().map_err(parquet_error)?;
                writer.flush().map_err(parquet_io_error)?;
                let bytes = std::mem::take(writer.inner_mut());
                self.upload(bytes).await?;
            }
            (Content::Text(bytes), None) => self.upload(bytes).await?,
            (Content::RowGroup(_), None) | (Content::Text(_), Some(_)) => {
                return Err(Error::new(Code::Internal, format!("{} is of another format", self.location)));
            }
        }
        Ok(self.bytes)
    }

    async fn upload(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.bytes += bytes.len() as u64;
        let waited = self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await;
        waited.map_err(|error| storage::error(&self.location, error))?;
        self.upload.put(bytes.into());
        Ok(())
    }

    /// Makes the file visible and gives its size in bytes. On an error nothing becomes visible.
    ///
    /// # Errors
    /// What the object store says.
    pub(super) async fn publish(mut self) -> Result<u64> {
        if let Some(mut writer) = self.parquet.take() {
            writer.finish().map_err(parquet_error)?;
            let footer = std::mem::take(writer.inner_mut());
            self.upload(footer).await?;
        }
        self.upload.finish().await.map_err(|error| storage::error(&self.location, error))?;
        Ok(self.bytes)
    }

    /// Gives up and removes what has been uploaded.
    pub(super) async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!("could not remove the unfinished upload of {}: {error}", self.location);
        }
    }
}

/// The encoder that all Parquet files of `table` share.
///
/// # Errors
/// `Internal` when the columns have no Parquet type.
pub(super) fn parquet_encoder(table: Table) -> Result<ChunkEncoder> {
    let factory = ArrowRowGroupWriterFactory::new(&parquet_writer(table)?, table.schema());
    Ok(ChunkEncoder::Parquet(Arc::new(factory)))
}

fn parquet_writer(table: Table) -> Result<SerializedFileWriter<Vec<u8>>> {
    let schema = table.schema();
    let mut properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let columns = ArrowSchemaConverter::new().convert(&schema).map_err(parquet_error)?;
    add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
    SerializedFileWriter::new(Vec::new(), columns.root_schema_ptr(), Arc::new(properties))
        .map_err(parquet_error)
}

fn parquet_io_error(error: std::io::Error) -> Error {
    Error::new(Code::Internal, format!("could not encode Parquet: {error}")).with_source(error)
}
