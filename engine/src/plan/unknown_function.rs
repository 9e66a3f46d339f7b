//! A function that does not exist: DataFusion has only text for it, and suggests what shares letters.

use crate::error::{Code, Error};
use crate::suggest;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement as SqlStatement;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, ObjectNamePart, visit_expressions};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Planned without a function of that name.
const BUILT_IN: &str = "unnest";

/// The error for the first function in `statement` that does not exist, where one of about that name does.
pub(super) fn unknown_function(state: &SessionState, statement: &SqlStatement) -> Option<Error> {
    let SqlStatement::Statement(statement) = statement else { return None };
    let known: BTreeSet<&str> = (state.scalar_functions().keys())
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .chain(state.higher_order_functions().keys())
        .map(String::as_str)
        .collect();
    let found = visit_expressions(statement.as_ref(), |expr| match expr {
        Expr::Function(function) => match name_of(&function.name) {
            Some(name) if name != BUILT_IN && !known.contains(name.as_str()) => ControlFlow::Break(name),
            _ => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    });
    let name = found.break_value()?;
    let closest = suggest::closest(&name, known)?;
    Some(
        Error::new(Code::StatementFailed, format!("there is no function \"{name}\""))
            .with_hint(format!("did you mean \"{closest}\"?")),
    )
}

/// The name, folded to lower case unless it is quoted; none of one with a schema.
fn name_of(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] if name.quote_style.is_some() => Some(name.value.clone()),
        [ObjectNamePart::Identifier(name)] => Some(name.value.to_lowercase()),
        _ => None,
    }
}
