//! The layers a configuration is made of, and errors that say which layer a value came from.

use super::value::REDACTED;
use super::{Config, check};
use crate::error::{Code, Error, Result};
use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

const DEFAULT_FILE: &str = "gristmill.toml";
const PREFIX: &str = "GRISTMILL_";
const SECRETS: [&str; 2] = ["s3.secret_access_key", "s3.session_token"];

/// Everything above the defaults, unread.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// The file and its text.
    pub(super) file: Option<(PathBuf, String)>,
    /// `section.key` and value.
    pub(super) environment: Vec<(String, String)>,
    /// `section.key` and value.
    pub(super) flags: Vec<(String, String)>,
}

impl Layers {
    /// Reads the file and the environment.
    pub(super) fn gather(file: Option<&Path>, flags: &[(String, String)]) -> Result<Self> {
        Ok(Self { file: read_file(file)?, environment: read_environment()?, flags: flags.to_vec() })
    }

    /// Merges the layers, later ones over earlier ones, and checks the result.
    pub(super) fn into_config(self) -> Result<Config> {
        let figment = self.merge()?;
        let config: Config = figment.extract().map_err(|error| self.explain(&figment, error))?;
        match check::first_violation(&config) {
            None => Ok(config),
            Some(violation) => Err(self.bad_value(&figment, violation.key, violation.expected)),
        }
    }

    fn merge(&self) -> Result<Figment> {
        // Without its own providers: figment's environment provider guesses types, so that a key id of digits
        // becomes a number. All values of environment and flags stay text here, and the fields parse them.
        let mut figment = Figment::new();
        if let Some((path, text)) = &self.file {
            let settings: Dict = toml::from_str(text).map_err(|error| {
                let message = format!("cannot read the configuration file {:?}: {error}", path.display());
                Error::new(Code::BadConfiguration, message.trim_end()).with_source(error)
            })?;
            figment = figment.merge(Serialized::defaults(settings));
        }
        for (key, value) in self.environment.iter().chain(&self.flags) {
            if key.split('.').any(str::is_empty) {
                return Err(unknown_setting(key, &self.origin(key), "settings are named section.key"));
            }
            figment = figment.merge(Serialized::default(key, value));
        }
        Ok(figment)
    }

    fn explain(&self, figment: &Figment, error: figment::Error) -> Error {
        let key = error.path.join(".");
        match &error.kind {
            Kind::UnknownField(field, known) => {
                let hint = crate::suggest::hint(field, known).unwrap_or_default();
                unknown_setting(&key, &self.origin(&key), hint)
            }
            Kind::UnknownVariant(_, known) => {
                self.bad_value(figment, &key, format!("one of {}", known.join(", ")))
            }
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
                let expected = expected.strip_prefix("struct ").map_or(expected.as_str(), |_| "a section");
                self.bad_value(figment, &key, expected)
            }
            _ => Error::new(Code::BadConfiguration, format!("cannot use the configuration: {error}")),
        }
    }

    fn bad_value(&self, figment: &Figment, key: &str, expected: impl Display) -> Error {
        let message = match figment.find_value(key) {
            Ok(value) => format!("cannot use {} for {key} ({})", quoted(key, &value), self.origin(key)),
            Err(_) => format!("{key} is missing"),
        };
        Error::new(Code::BadConfiguration, message).with_hint(format!("expected {expected}"))
    }

    /// The last layer that says something about `key`, in words.
    fn origin(&self, key: &str) -> String {
        let names =
            |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let sets = |layer: &[(String, String)]| layer.iter().any(|(name, _)| names(name));
        if sets(&self.flags) {
            "from the command line".to_owned()
        } else if sets(&self.environment) {
            format!("from the environment variable {}", variable_name(key))
        } else if let Some((path, _)) = &self.file {
            format!("from the file {:?}", path.display())
        } else {
            "the default".to_owned()
        }
    }
}

fn unknown_setting(key: &str, origin: &str, hint: impl Into<String>) -> Error {
    Error::new(Code::BadConfiguration, format!("unknown setting {key:?} ({origin})")).with_hint(hint)
}

fn quoted(key: &str, value: &Value) -> String {
    if SECRETS.contains(&key) {
        return REDACTED.to_owned();
    }
    // JSON quotes texts and writes everything else as TOML does, near enough to find it in the file.
    serde_json::to_string(value).unwrap_or_else(|_| "a value".to_owned())
}

fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn read_file(file: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => Ok(None),
        Err(error) => {
            let message = format!("could not read the configuration file {:?}: {error}", path.display());
            Err(Error::new(Code::BadConfiguration, message)
                .with_hint("name an existing TOML file, or none to use the defaults")
                .with_source(error))
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn read_environment() -> Result<Vec<(String, String)>> {
    std::env::vars_os()
        .filter_map(|(name, value)| setting_of(name.to_str()?).map(|key| (key, value)))
        .map(|(key, value)| match value.into_string() {
            Ok(value) => Ok((key, value)),
            Err(_) => Err(Error::new(
                Code::BadConfiguration,
                format!("the environment variable {} is not UTF-8 text", variable_name(&key)),
            )),
        })
        .collect()
}

/// The setting that an environment variable stands for.
///
/// Names without `__` are not settings: Kubernetes sets `GRISTMILL_SERVICE_HOST` and the like by itself in every
/// pod next to a service called `gristmill`.
pub(super) fn setting_of(variable: &str) -> Option<String> {
    let (section, key) = variable.strip_prefix(PREFIX)?.split_once("__")?;
    Some(format!("{section}.{}", key.replace("__", ".")).to_ascii_lowercase())
}
