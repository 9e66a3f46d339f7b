//! The one error that crosses a door: what the caller can do (kind), a code with a help page, the message, a hint.
//!
//! Rooms have their own error enums where that helps; whatever leaves a room is an [`Error`]. Libraries flatten
//! errors to text when they cross a process, so an error is framed on the way out and unframed on the way in.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

mod classify;
mod frame;
#[cfg(test)]
mod tests;

/// `Result` with the engine's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The statement or the configuration is wrong: change it.
    Invalid,
    /// Something named does not exist.
    NotFound,
    /// Something is there already.
    Conflict,
    /// Credentials are missing or not sufficient.
    Denied,
    /// The input data is not what it claims to be.
    Data,
    /// Memory or scratch space ran out.
    Resources,
    /// It may work next time.
    Unavailable,
    /// Someone asked for it to stop.
    Cancelled,
    /// It will not work in this version.
    Unsupported,
    /// A bug.
    Internal,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $kind:ident;)*) => {
        /// A stable code; `docs/errors/<code>.md` explains each one to a user.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as users see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What a caller can do about it.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)* }
            }
        }
    };
}

codes! {
    /// The statement does not parse.
    Syntax = "GM0001", Invalid;
    /// A table or column that does not exist.
    UnknownName = "GM0002", Invalid;
    /// `LABEL` or `SPLIT` names a column the query does not have.
    UnknownTargetColumn = "GM0003", Invalid;
    /// Split fractions or names are wrong.
    SplitFractions = "GM0004", Invalid;
    /// The location already holds something.
    LocationNotEmpty = "GM0005", Conflict;
    /// A bucket, path or file was not found.
    PathNotFound = "GM0006", NotFound;
    /// No credentials, or access denied.
    AccessDenied = "GM0007", Denied;
    /// A file is corrupt or not of the declared format.
    CorruptInput = "GM0008", Data;
    /// A row does not fit the schema.
    BadRow = "GM0009", Data;
    /// A column type the format cannot hold.
    UnsupportedColumnType = "GM0010", Invalid;
    /// An input changed while it was read.
    InputChanged = "GM0011", Data;
    /// No executor is there to run the job.
    NoExecutor = "GM0012", Unavailable;
    /// An unknown option or a bad option value.
    BadOption = "GM0013", Invalid;
    /// No such training set, or its manifest cannot be read.
    UnknownTrainingSet = "GM0014", NotFound;
    /// Files differ from their manifest.
    VerificationFailed = "GM0015", Data;
    /// Memory budget or scratch disk is exhausted.
    ResourcesExhausted = "GM0016", Resources;
    /// Object store or disk I/O failed.
    StorageUnavailable = "GM0017", Unavailable;
    /// The job was cancelled.
    Cancelled = "GM0018", Cancelled;
    /// The configuration is wrong.
    BadConfiguration = "GM0019", Invalid;
    /// The cluster cannot be reached, or the session is gone.
    ClusterUnavailable = "GM0020", Unavailable;
    /// Not supported.
    Unsupported = "GM0021", Unsupported;
    /// The job failed on the cluster: lost executors, passed deadline.
    JobFailed = "GM0022", Unavailable;
    /// The statement failed while it was planned or executed.
    StatementFailed = "GM0023", Invalid;
    /// A rule of `EXPECT` does not hold.
    RuleViolated = "GM0024", Data;
    /// A bug.
    Internal = "GM0099", Internal;
}

impl Code {
    /// The code of that text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// Where the help page is, relative to the repository.
    #[must_use]
    pub fn help(self) -> String {
        format!("docs/errors/{}.md", self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One error, as every door gives it.
///
/// `Display` is the message alone; [`Error::report`] is the message with code, hint and help page, for people.
#[derive(Debug, Clone)]
pub struct Error {
    code: Code,
    message: String,
    hint: Option<String>,
    is_from_decoding: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with `message`: lower case, no full stop, naming the object and quoting the user's text.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, is_from_decoding: false, source: None }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error below.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Puts `context` before the message and keeps everything else.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the caller can do.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.code.kind()
    }

    /// The message without code and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The hint, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether it came up while bytes of a file became rows: then the file is to blame.
    #[must_use]
    pub fn is_from_decoding(&self) -> bool {
        self.is_from_decoding
    }

    /// Whether the same call may succeed next time.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == Kind::Unavailable
    }

    /// The error as a person reads it: code, message, hint and help page, one a line.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("error[{}]: {}", self.code, self.message);
        if let Some(hint) = &self.hint {
            text.push_str("\n  hint: ");
            text.push_str(hint);
        }
        text.push_str("\n  help: ");
        text.push_str(&self.code.help());
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
