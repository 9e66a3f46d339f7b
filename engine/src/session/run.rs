//! Running statements in a session.

use super::{Effect, QueryResult, Session, StatementInfo, Warnings, external_tables};
use crate::backend::{JobProgress, PhysicalJob, ProgressSource};
use crate::error::{Code, Error, Result};
use crate::plan::{
    InputFiles, PlanContext, PlannedWrite, plan_copy, plan_physically, plan_statement, plan_training_set,
};
use crate::statement::{Statement, StatementKind};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::{DdlStatement, LogicalPlan, LogicalPlanBuilder, Statement as PlanStatement};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

impl Session {
    /// The shape of a statement's result, and whether it changes something. Plans, runs nothing.
    ///
    /// # Errors
    /// Those of planning.
    pub async fn describe(&self, statement: &Statement) -> Result<StatementInfo> {
        let (schema, effect) = match &statement.kind {
            StatementKind::CreateTrainingSet(_) => (super::tables::summary(), Effect::Change),
            StatementKind::Copy(_) => (super::tables::count(), Effect::Change),
            StatementKind::DropTrainingSet(_) => (Arc::new(Schema::empty()), Effect::Change),
            StatementKind::ShowTrainingSets => (super::tables::list(), Effect::Query),
            StatementKind::DescribeTrainingSet(_) => (super::tables::description(), Effect::Query),
            StatementKind::ExplainTrainingSet(_) | StatementKind::ExplainCopy(_) => {
                (schema_of(&explain(self.plan_write(statement).await?.plan)?), Effect::Query)
            }
            StatementKind::Sql(sql) => {
                let plan = plan_statement(&self.planning_state(), sql).await?;
                (schema_of(&plan), effect_of(&plan))
            }
        };
        Ok(StatementInfo { schema, effect })
    }

    /// Runs a statement. Statements that only change the session are done when this returns; those that write files
    /// are done when their stream has ended.
    ///
    /// # Errors
    /// Those of planning and starting; what fails later comes through the stream.
    pub async fn execute(&self, statement: &Statement) -> Result<QueryResult> {
        match &statement.kind {
            StatementKind::Sql(sql) => {
                let plan = plan_statement(&self.planning_state(), sql).await?;
                self.run_logical(statement, plan).await
            }
            StatementKind::CreateTrainingSet(_) | StatementKind::Copy(_) => {
                let write = self.plan_write(statement).await?;
                self.run_write(statement, write).await
            }
            StatementKind::ExplainTrainingSet(_) | StatementKind::ExplainCopy(_) => {
                let plan = explain(self.plan_write(statement).await?.plan)?;
                self.run_query(statement, &plan, Effect::Query).await
            }
            StatementKind::DropTrainingSet(name) => {
                self.drop_training_set(name).await?;
                Ok(rows(RecordBatch::new_empty(Arc::new(Schema::empty())), Effect::Change))
            }
            StatementKind::DescribeTrainingSet(name) => {
                Ok(rows(self.describe_training_set(name).await?, Effect::Query))
            }
            StatementKind::ShowTrainingSets => Ok(rows(self.show_training_sets()?, Effect::Query)),
        }
    }

    /// Plans a statement that writes, or explains one that would.
    async fn plan_write(&self, statement: &Statement) -> Result<PlannedWrite> {
        let state = self.planning_state();
        let write = &self.engine().config().write;
        let context = PlanContext { state: &state, write, text: &statement.text };
        match &statement.kind {
            StatementKind::CreateTrainingSet(create) | StatementKind::ExplainTrainingSet(create) => {
                plan_training_set(context, create).await
            }
            StatementKind::Copy(copy) | StatementKind::ExplainCopy(copy) => plan_copy(context, copy).await,
            _ => Err(Error::new(Code::Internal, "a statement that writes nothing was planned as a write")),
        }
    }

    /// The session's state, with as many partitions as the backend has room for, unless the user has set a number.
    pub(super) fn planning_state(&self) -> SessionState {
        let mut state = self.inner.ctx.state();
        let untouched =
            self.inner.engine.inner.base.target_partitions() == state.config().target_partitions();
        if let (Some(partitions), true) = (self.inner.engine.inner.backend.target_partitions(), untouched) {
            state.config_mut().options_mut().execution.target_partitions = partitions;
        }
        state
    }

    async fn run_logical(&self, statement: &Statement, plan: LogicalPlan) -> Result<QueryResult> {
        match &plan {
            LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => {
                let rows_plan = self.change_session(plan).await?;
                self.apply_settings();
                match rows_plan {
                    LogicalPlan::EmptyRelation(empty) => {
                        let schema = Arc::clone(empty.schema.inner());
                        Ok(rows(RecordBatch::new_empty(schema), Effect::Change))
                    }
                    query => self.run_query(statement, &query, Effect::Change).await,
                }
            }
            _ => self.run_query(statement, &plan, effect_of(&plan)).await,
        }
    }

    async fn change_session(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let place: Option<(String, NameIt)> = match &plan {
            LogicalPlan::Ddl(DdlStatement::CreateExternalTable(table)) => {
                external_tables::check_locations(&self.planning_state(), table).await?;
                Some((external_tables::describe(table), |error, table| error.context(table)))
            }
            LogicalPlan::Statement(PlanStatement::SetVariable(set)) => {
                let setting = format!("cannot set {} to \"{}\"", set.variable, set.value);
                Some((setting, |error, setting| Error::new(Code::BadOption, setting).with_source(error)))
            }
            _ => None,
        };
        let result = self.inner.ctx.execute_logical_plan(plan).await.map_err(Error::from_datafusion);
        match (result, place) {
            (Ok(frame), _) => Ok(frame.into_unoptimized_plan()),
            (Err(error), Some((place, named))) => Err(named(error, place)),
            (Err(error), None) => Err(error),
        }
    }

    async fn run_query(
        &self,
        statement: &Statement,
        plan: &LogicalPlan,
        effect: Effect,
    ) -> Result<QueryResult> {
        let physical = plan_physically(&self.planning_state(), plan).await?;
        let job = PhysicalJob { name: statement.title(), ctx: self.context(), plan: Arc::clone(&physical) };
        let schema = schema_of(plan);
        let running = self.inner.engine.inner.backend.run(job).await?;
        let runtime = Arc::clone(self.engine().runtime());
        let stream = running.stream.or_else(move |error| {
            let (plan, runtime) = (Arc::clone(&physical), Arc::clone(&runtime));
            async move {
                Err(InputFiles::of(&plan)?.explain(&runtime, Error::from_datafusion(error)).await.into())
            }
        });
        let stream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream));
        Ok(QueryResult { schema, stream, progress: running.progress, effect, warnings: Warnings::default() })
    }
}

/// Puts the name of what a statement was about to change into the error that it ended in.
type NameIt = fn(Error, String) -> Error;

fn explain(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(LogicalPlanBuilder::from(plan).explain(false, false)?.build()?)
}

fn schema_of(plan: &LogicalPlan) -> SchemaRef {
    Arc::clone(plan.schema().inner())
}

fn effect_of(plan: &LogicalPlan) -> Effect {
    match plan {
        LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => {
            Effect::Change
        }
        _ => Effect::Query,
    }
}

/// A result that is there already.
pub(super) fn rows(batch: RecordBatch, effect: Effect) -> QueryResult {
    let schema = batch.schema();
    let batches = if batch.num_rows() == 0 { vec![] } else { vec![Ok(batch)] };
    let stream: SendableRecordBatchStream =
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), futures::stream::iter(batches).boxed()));
    QueryResult { schema, stream, progress: Arc::new(Done), effect, warnings: Warnings::default() }
}

/// The progress of something that took no time.
#[derive(Debug)]
pub(super) struct Done;

impl ProgressSource for Done {
    fn progress(&self) -> JobProgress {
        JobProgress::default()
    }
}
