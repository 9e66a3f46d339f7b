//! Our plan nodes across processes: a table of nodes, tried before the codec of the library underneath.

use crate::error::{Code, Error, Result};
use crate::formats::{ColumnRoles, MissingLabels};
use crate::plan::{Layout, WriteSpec};
use crate::storage::Stores;
use crate::write::WriteExec;
use datafusion::common::Result as DataFusionResult;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::physical_expr::proto_decode::PhysicalExprDecodeCtx;
use datafusion::physical_expr_common::physical_expr::proto_encode::PhysicalExprEncodeCtx;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use gristmill_proto::plan::{
    self, PlanNode, RollingLayout, ShardedLayout, SingleFileLayout, WriteNode, plan_node, write_node,
};
use prost::Message;
use std::sync::Arc;

/// The first bytes of every node of ours. No other codec's bytes start with them: they are not valid protobuf.
const MAGIC: &[u8] = b"\x07gristmill.plan.v1\x07";

/// Encodes and decodes our nodes, and leaves all others to `inner`.
#[derive(Debug)]
pub struct GristmillPhysicalCodec {
    inner: Arc<dyn PhysicalExtensionCodec>,
    stores: Arc<Stores>,
}

impl GristmillPhysicalCodec {
    /// A codec whose decoded operators write to `stores`.
    #[must_use]
    pub fn new(inner: Arc<dyn PhysicalExtensionCodec>, stores: Arc<Stores>) -> Self {
        Self { inner, stores }
    }

    fn decode(&self, bytes: &[u8], inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
        let node = PlanNode::decode(bytes)
            .map_err(|error| Error::new(Code::Internal, "cannot decode a plan node").with_source(error))?;
        match (node.node, inputs) {
            (Some(plan_node::Node::Write(node)), [input]) => {
                let spec = Arc::new(write_spec(node)?);
                Ok(Arc::new(WriteExec::new(Arc::clone(input), spec, Arc::clone(&self.stores))))
            }
            (node, inputs) => {
                Err(Error::new(Code::Internal, format!("plan node {node:?} with {} inputs", inputs.len())))
            }
        }
    }
}

/// The bytes of a node of ours; nothing for a node of others.
fn encode(node: &dyn ExecutionPlan) -> Option<Result<Vec<u8>>> {
    let writer = node.downcast_ref::<WriteExec>()?;
    Some(write_node(writer.spec()).map(|node| {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(PlanNode { node: Some(plan_node::Node::Write(node)) }.encode_to_vec());
        bytes
    }))
}

fn write_node(spec: &WriteSpec) -> Result<WriteNode> {
    let layout = match &spec.layout {
        Layout::Rolling { target_bytes } => {
            write_node::Layout::Rolling(RollingLayout { target_bytes: *target_bytes })
        }
        Layout::Sharded { shards, ordered, shuffled } => write_node::Layout::Sharded(ShardedLayout {
            shards: *shards,
            ordered: *ordered,
            shuffled: *shuffled,
        }),
        Layout::SingleFile { name } => {
            write_node::Layout::SingleFile(SingleFileLayout { name: name.clone() })
        }
    };
    Ok(WriteNode {
        job: spec.job.clone(),
        location: spec.location.clone(),
        format: serde_json::to_string(&spec.format)
            .map_err(|error| Error::new(Code::Internal, "cannot encode a format").with_source(error))?,
        splits: spec.splits.clone(),
        data_columns: count(spec.data_columns)?,
        layout: Some(layout),
        roles: Some(roles_message(spec.roles)?),
        statistics: spec.statistics,
    })
}

fn roles_message(roles: ColumnRoles) -> Result<plan::ColumnRoles> {
    let ColumnRoles { labels, weight, group, key, missing_labels } = roles;
    let labels_present = missing_labels == MissingLabels::Refused;
    Ok(plan::ColumnRoles { labels: count(labels)?, weight, group, key, labels_present })
}

fn count(columns: usize) -> Result<u32> {
    u32::try_from(columns).map_err(|error| Error::new(Code::Internal, "too many columns").with_source(error))
}

fn write_spec(node: WriteNode) -> Result<WriteSpec> {
    let layout = match node.layout {
        Some(write_node::Layout::Rolling(layout)) => Layout::Rolling { target_bytes: layout.target_bytes },
        Some(write_node::Layout::Sharded(layout)) => {
            Layout::Sharded { shards: layout.shards, ordered: layout.ordered, shuffled: layout.shuffled }
        }
        Some(write_node::Layout::SingleFile(layout)) => Layout::SingleFile { name: layout.name },
        None => return Err(Error::new(Code::Internal, "a write node without a layout")),
    };
    Ok(WriteSpec {
        job: node.job,
        location: node.location,
        format: serde_json::from_str(&node.format)
            .map_err(|error| Error::new(Code::Internal, "cannot decode a format").with_source(error))?,
        splits: node.splits,
        data_columns: node.data_columns as usize,
        roles: node.roles.map_or_else(ColumnRoles::default, |roles| ColumnRoles {
            labels: roles.labels as usize,
            weight: roles.weight,
            group: roles.group,
            key: roles.key,
            missing_labels: match roles.labels_present {
                true => MissingLabels::Refused,
                false => MissingLabels::Kept,
            },
        }),
        layout,
        statistics: node.statistics,
        // The order was a demand on the optimizer, which has run.
        keep_order: false,
    })
}

impl PhysicalExtensionCodec for GristmillPhysicalCodec {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        match buf.strip_prefix(MAGIC) {
            Some(bytes) => Ok(self.decode(bytes, inputs)?),
            None => self.inner.try_decode(buf, inputs, ctx, converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> DataFusionResult<()> {
        match encode(node.as_ref()) {
            Some(bytes) => {
                buf.extend(bytes?);
                Ok(())
            }
            None => self.inner.try_encode(node, buf, converter),
        }
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> DataFusionResult<Arc<ScalarUDF>> {
        self.inner.try_decode_udf(name, buf)
    }

    fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> DataFusionResult<()> {
        self.inner.try_encode_udf(node, buf)
    }

    fn try_decode_higher_order_function(
        &self,
        name: &str,
        buf: &[u8],
    ) -> DataFusionResult<Arc<HigherOrderUDF>> {
        self.inner.try_decode_higher_order_function(name, buf)
    }

    fn try_encode_higher_order_function(
        &self,
        node: &HigherOrderUDF,
        buf: &mut Vec<u8>,
    ) -> DataFusionResult<()> {
        self.inner.try_encode_higher_order_function(node, buf)
    }

    fn try_decode_expr(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn PhysicalExpr>],
        ctx: &PhysicalExprDecodeCtx<'_>,
    ) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        self.inner.try_decode_expr(buf, inputs, ctx)
    }

    fn try_encode_expr(
        &self,
        node: &Arc<dyn PhysicalExpr>,
        buf: &mut Vec<u8>,
        ctx: &PhysicalExprEncodeCtx<'_>,
    ) -> DataFusionResult<()> {
        self.inner.try_encode_expr(node, buf, ctx)
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> DataFusionResult<Arc<AggregateUDF>> {
        self.inner.try_decode_udaf(name, buf)
    }

    fn try_encode_udaf(&self, node: &AggregateUDF, buf: &mut Vec<u8>) -> DataFusionResult<()> {
        self.inner.try_encode_udaf(node, buf)
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> DataFusionResult<Arc<WindowUDF>> {
        self.inner.try_decode_udwf(name, buf)
    }

    fn try_encode_udwf(&self, node: &WindowUDF, buf: &mut Vec<u8>) -> DataFusionResult<()> {
        self.inner.try_encode_udwf(node, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::{GristmillPhysicalCodec, MAGIC, encode, write_spec};
    use crate::config::Config;
    use crate::formats::{ColumnRoles, FormatDefaults, FormatKind, FormatOptions, MissingLabels};
    use crate::plan::{Layout, WriteSpec};
    use crate::storage::Stores;
    use crate::write::WriteExec;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion_proto::physical_plan::DefaultPhysicalExtensionCodec;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn spec(layout: Layout) -> WriteSpec {
        let mut options = BTreeMap::new();
        WriteSpec {
            job: "job".to_owned(),
            location: "/tmp/a b".to_owned(),
            format: FormatOptions::take(FormatKind::Csv, &mut options, FormatDefaults::TRAINING_SET).unwrap(),
            splits: vec!["train".to_owned(), "test".to_owned()],
            data_columns: 3,
            roles: ColumnRoles {
                labels: 1,
                weight: true,
                group: false,
                key: true,
                missing_labels: MissingLabels::Refused,
            },
            layout,
            keep_order: false,
            statistics: true,
        }
    }

    #[test]
    fn a_write_node_survives_the_trip_with_every_layout() {
        let config = Config::default();
        let stores = Stores::new(&config.s3, &config.write);
        let codec =
            GristmillPhysicalCodec::new(Arc::new(DefaultPhysicalExtensionCodec {}), Arc::clone(&stores));
        for layout in [
            Layout::Rolling { target_bytes: 7 },
            Layout::Sharded { shards: 16, ordered: true, shuffled: false },
            Layout::SingleFile { name: "x.csv".to_owned() },
        ] {
            let input = Arc::new(EmptyExec::new(Arc::new(datafusion::arrow::datatypes::Schema::empty())));
            let before = Arc::new(spec(layout));
            let node = WriteExec::new(Arc::clone(&input) as _, Arc::clone(&before), Arc::clone(&stores));
            let bytes = encode(&node).unwrap().unwrap();
            let decoded = codec.decode(bytes.strip_prefix(MAGIC).unwrap(), &[input]).unwrap();
            assert_eq!(decoded.downcast_ref::<WriteExec>().unwrap().spec(), &before);
        }
    }

    #[test]
    fn a_node_without_a_layout_is_an_error_and_not_a_panic() {
        assert!(write_spec(gristmill_proto::plan::WriteNode::default()).is_err());
    }
}
