//! Chunks, encoded in parallel, written in order.

use super::encode::{ChunkEncoder, EncodedChunk};
use super::file::{OpenFile, parquet_encoder};
use super::layout::TableLayout;
use super::{FileFormat, Progress, Request, TableFiles, cancelled};
use futures::{Stream, StreamExt, stream};
use gristmill_engine::{Code, Error, Result};
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;

/// Writes all tables, one after the other, each file published when it is whole.
pub(super) async fn write_tables(
    request: &Request,
    tables: Vec<TableLayout>,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Vec<TableFiles>> {
    let encoders = tables.iter().map(|layout| encoder(request, layout)).collect::<Result<Vec<_>>>()?;
    // All tables are one stream, so that the cores are busy while the last chunk of a table is written.
    let mut chunks = Box::pin(encoded_chunks(request.scale, &tables, &encoders));
    let mut written = Vec::with_capacity(tables.len());
    for (layout, encoder) in tables.iter().zip(&encoders) {
        let mut table = TableFiles {
            table: layout.table,
            location: layout.location.clone(),
            files: layout.files.len() as u64,
            rows: 0,
            bytes: 0,
        };
        for location in &layout.files {
            let mut file = OpenFile::create(request.store.as_ref(), location, layout.table, encoder).await?;
            let filled = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(cancelled()),
                filled = fill(&mut file, &mut chunks, progress) => filled,
            };
            let rows = match filled {
                Ok(rows) => rows,
                Err(error) => {
                    file.abort().await;
                    return Err(error);
                }
            };
            table.rows += rows;
            table.bytes += file.publish().await?;
        }
        written.push(table);
    }
    Ok(written)
}

fn encoder(request: &Request, layout: &TableLayout) -> Result<ChunkEncoder> {
    match request.format {
        FileFormat::Parquet => parquet_encoder(layout.table),
        FileFormat::Csv => Ok(ChunkEncoder::Csv),
    }
}

/// All chunks in order. At most as many are under way or waiting as there are cores, and one more.
fn encoded_chunks(
    scale: f64,
    tables: &[TableLayout],
    encoders: &[ChunkEncoder],
) -> impl Stream<Item = Result<EncodedChunk>> + use<> {
    let work: Vec<_> =
        tables.iter().zip(encoders).map(|(layout, encoder)| (layout.plan(), encoder.clone())).collect();
    let chunks = work.into_iter().flat_map(|(plan, encoder)| plan.map(move |chunk| (chunk, encoder.clone())));
    stream::iter(chunks)
        .map(move |(chunk, encoder)| encoder.encode(scale, chunk))
        .buffered(rayon::current_num_threads() + 1)
}

/// Takes chunks up to the last one of `file`; gives how many rows they had.
async fn fill(
    file: &mut OpenFile,
    chunks: &mut (impl Stream<Item = Result<EncodedChunk>> + Unpin),
    progress: &Progress,
) -> Result<u64> {
    let mut rows = 0;
    let mut bytes = 0;
    while let Some(encoded) = chunks.next().await {
        let encoded = encoded?;
        let is_last = encoded.chunk.is_last;
        rows += encoded.rows;
        progress.rows.fetch_add(encoded.rows, Ordering::Relaxed);
        let grown = file.append(encoded).await?;
        progress.bytes.fetch_add(grown - bytes, Ordering::Relaxed);
        bytes = grown;
        progress.chunks_done.fetch_add(1, Ordering::Relaxed);
        if is_last {
            return Ok(rows);
        }
    }
    Err(Error::new(Code::Internal, "the chunks of a file ended early"))
}
