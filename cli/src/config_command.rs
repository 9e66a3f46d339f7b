//! `gristmill config`.

use crate::app::App;
use crate::args::ConfigCommand;
use crate::stop::Outcome;

/// Runs `gristmill config …`.
pub(crate) fn run(command: &ConfigCommand, app: &mut App) -> Outcome {
    match command {
        ConfigCommand::Show => {
            let text = app.config.to_toml_redacted()?;
            app.output.line(text.trim_end())
        }
    }
}
