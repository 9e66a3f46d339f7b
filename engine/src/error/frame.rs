//! An error as text that survives being wrapped into other texts, and back.

use super::{Code, Error};
use serde::{Deserialize, Serialize};

/// Control characters cannot be part of a message by accident: [`Error::frame`] writes JSON, which escapes them.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

#[derive(Serialize, Deserialize)]
struct Frame {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default)]
    is_from_decoding: bool,
}

impl Error {
    /// The error as one piece of text; [`Error::unframe`] finds it again inside any other text.
    #[must_use]
    pub fn frame(&self) -> String {
        let frame = Frame {
            code: self.code.as_str().to_owned(),
            message: self.message.clone(),
            hint: self.hint.clone(),
            is_from_decoding: self.is_from_decoding,
        };
        match serde_json::to_string(&frame) {
            Ok(json) => format!("{OPEN}{json}{CLOSE}"),
            // Strings always serialise; if that ever changes, the message alone still gets through.
            Err(_) => self.message.clone(),
        }
    }

    /// The first framed error inside `text`.
    #[must_use]
    pub fn unframe(text: &str) -> Option<Error> {
        let start = text.find(OPEN)? + OPEN.len_utf8();
        let end = start + text[start..].find(CLOSE)?;
        let frame: Frame = serde_json::from_str(&text[start..end]).ok()?;
        let mut error = Error::new(Code::parse(&frame.code)?, frame.message);
        error.hint = frame.hint;
        error.is_from_decoding = frame.is_from_decoding;
        Some(error)
    }
}
