//! The rows of a job: they come when it has succeeded, straight from the executors.

use super::{Finished, JobWatch, ResultPart};
use crate::ballista::Core;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use gristmill_engine::{Code, Error};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tokio_util::sync::DropGuard;

/// How many files are opened ahead of the one that is read.
///
/// **Limits** what a result holds in this process: for each open file what its connection lets through unread, one
/// block of 8 MiB and the batches of one.
const OPEN_AHEAD: usize = 3;

/// **Shape** the job's partitions one after the other, each in its order. Dropping the stream drops `wanted`.
pub(crate) fn job_rows(
    core: Core,
    watch: JobWatch,
    schema: SchemaRef,
    wanted: DropGuard,
) -> SendableRecordBatchStream {
    let batches = futures::stream::once(outcome(watch.outcome))
        .map_ok(move |finished| batches(core.clone(), finished.parts.clone()))
        .try_flatten()
        .boxed();
    Box::pin(RecordBatchStreamAdapter::new(schema, JobRows { open: Some((batches, wanted)) }))
}

async fn outcome(
    outcome: oneshot::Receiver<gristmill_engine::Result<Arc<Finished>>>,
) -> Result<Arc<Finished>> {
    match outcome.await {
        Ok(result) => Ok(result?),
        Err(gone) => {
            let error = Error::new(Code::Internal, "the driver of a job ended without a result");
            Err(error.with_source(gone).into())
        }
    }
}

fn batches(core: Core, parts: Vec<ResultPart>) -> BoxStream<'static, Result<RecordBatch>> {
    futures::stream::iter(parts)
        .map(move |part| {
            let core = core.clone();
            async move {
                let lost = lost_result(&part);
                let batches = core.open(&part).await.map_err(lost.clone())?;
                Ok::<_, DataFusionError>(batches.map_err(lost))
            }
        })
        .buffered(OPEN_AHEAD)
        .try_flatten()
        .boxed()
}

fn lost_result(part: &ResultPart) -> impl Fn(DataFusionError) -> DataFusionError + Clone + use<> {
    let (host, port) = (part.executor.host.clone(), part.executor.port);
    move |error| {
        Error::new(
            Code::JobFailed,
            format!("could not read the result from the executor at {host}:{port}: {error}"),
        )
        .with_hint("the executor was lost after the job had succeeded; run the statement again")
        .into()
    }
}

/// The batches until they end or fail; both are dropped in that moment.
struct JobRows {
    open: Option<(BoxStream<'static, Result<RecordBatch>>, DropGuard)>,
}

impl Stream for JobRows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((batches, _)) = &mut self.open else { return Poll::Ready(None) };
        let next = batches.poll_next_unpin(cx);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.open = None;
        }
        next
    }
}
