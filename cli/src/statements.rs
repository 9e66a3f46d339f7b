//! Runs statements: rows to stdout, progress to stderr, and a clean stop when someone asks for it.

use crate::format::{Encoded, Format};
use crate::interrupts::Interrupts;
use crate::output::Output;
use crate::progress::{describe_duration, watch};
use crate::script::Script;
use crate::stop::{Outcome, Stop};
use crate::target::Target;
use futures::StreamExt;
use gristmill_engine::Error;
use gristmill_engine::backend::{JobProgress, ProgressSource};
use gristmill_engine::statement::Statement;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Everything one statement needs around it.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    /// Where statements run.
    pub(crate) target: Target,
    /// How rows are printed.
    pub(crate) format: Format,
    /// Who may ask for a stop.
    pub(crate) interrupts: &'a Interrupts,
}

/// What one statement did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    /// Rows of its result; `None` for a statement that has none.
    pub(crate) rows: Option<u64>,
    /// From its start to its last row.
    pub(crate) elapsed: Duration,
}

impl Runner<'_> {
    /// Runs all statements of `script`; the first failure ends it, naming its place.
    pub(crate) async fn run_script(&self, script: &Script, output: &mut Output) -> Outcome {
        for (index, statement) in script.statements.iter().enumerate() {
            let place = script.place(index);
            let finished = self.run(statement, &place, output).await.map_err(|stop| match stop {
                Stop::Failed(error) if script.statements.len() > 1 => Stop::Failed(error.context(&place)),
                other => other,
            })?;
            if output.stderr().is_terminal() && finished.rows.is_some() {
                output.stderr().note(&finished.describe());
            }
        }
        Ok(())
    }

    /// Runs one statement; `label` names it where progress is shown.
    ///
    /// On a stop the statement is cancelled, and what it had begun to write is gone when this returns.
    pub(crate) async fn run(
        &self,
        statement: &Statement,
        label: &str,
        output: &mut Output,
    ) -> Outcome<Finished> {
        let started = Instant::now();
        let progress = StatementProgress::default();
        let stderr = output.stderr().clone();
        let work = watch(&stderr, label, &progress, self.print(statement, &progress, output));
        let result = self.interrupts.unless_stopped(work).await.and_then(|result| result);
        // Either way the stream has been dropped by now.
        if result.is_err() {
            self.target.settle().await;
        }
        Ok(Finished { rows: result?, elapsed: started.elapsed() })
    }

    async fn print(
        &self,
        statement: &Statement,
        progress: &StatementProgress,
        output: &mut Output,
    ) -> Outcome<Option<u64>> {
        let mut answer = self.target.execute(statement).await?;
        progress.follow(answer.progress.take());
        if answer.schema.fields().is_empty() {
            while let Some(batch) = answer.stream.next().await {
                batch.map_err(Error::from_datafusion)?;
            }
            return Ok(None);
        }
        let mut encoder = self.format.encoder(Arc::clone(&answer.schema))?;
        let mut buffer = Vec::new();
        let mut rows = 0;
        while let Some(batch) = answer.stream.next().await {
            let batch = batch.map_err(Error::from_datafusion)?;
            rows += batch.num_rows() as u64;
            progress.count(&batch);
            encoder.encode(&batch, &mut buffer)?;
            if !buffer.is_empty() {
                output.write(&buffer)?;
                buffer.clear();
            }
        }
        let Encoded { cut_rows } = encoder.finish(&mut buffer)?;
        output.write(&buffer)?;
        output.flush()?;
        for warning in answer.take_warnings() {
            output.stderr().note(&format!("warning: {warning}"));
        }
        if cut_rows > 0 {
            let shown = rows - cut_rows;
            let stderr = output.stderr();
            stderr.line(&format!(
                "showing {shown} of {rows} rows, {cut_rows} cut; --format csv prints all of them"
            ));
        }
        Ok(Some(rows))
    }
}

impl Finished {
    /// As the prompt says it.
    pub(crate) fn describe(&self) -> String {
        let elapsed = describe_duration(self.elapsed);
        match self.rows {
            Some(1) => format!("1 row in {elapsed}"),
            Some(rows) => format!("{rows} rows in {elapsed}"),
            None => format!("done in {elapsed}"),
        }
    }
}

/// The progress of one statement: the job's own where it is known, what has arrived here where it is not.
#[derive(Debug, Default)]
struct StatementProgress {
    job: OnceLock<Arc<dyn ProgressSource>>,
    received_rows: AtomicU64,
    received_bytes: AtomicU64,
}

impl StatementProgress {
    fn follow(&self, job: Option<Arc<dyn ProgressSource>>) {
        if let Some(job) = job {
            self.job.get_or_init(|| job);
        }
    }

    fn count(&self, batch: &arrow::array::RecordBatch) {
        self.received_rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        self.received_bytes.fetch_add(batch.get_array_memory_size() as u64, Ordering::Relaxed);
    }
}

impl ProgressSource for StatementProgress {
    fn progress(&self) -> JobProgress {
        match self.job.get() {
            Some(job) => job.progress(),
            None => JobProgress {
                scanned_rows: self.received_rows.load(Ordering::Relaxed),
                scanned_bytes: self.received_bytes.load(Ordering::Relaxed),
                ..JobProgress::default()
            },
        }
    }
}
