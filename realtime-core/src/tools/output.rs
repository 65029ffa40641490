use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::wire::Json;

/// What a function may give back: text, JSON, or a result of anything that serialises.
pub trait ToolOutput {
    /// The answer for the model, or what went wrong.
    ///
    /// # Errors
    /// In the function's own words.
    fn into_output(self) -> Result<String, String>;
}

impl ToolOutput for String {
    fn into_output(self) -> Result<String, String> {
        Ok(self)
    }
}

impl ToolOutput for &'static str {
    fn into_output(self) -> Result<String, String> {
        Ok(self.into())
    }
}

impl ToolOutput for () {
    fn into_output(self) -> Result<String, String> {
        Ok(String::new())
    }
}

impl ToolOutput for Json {
    fn into_output(self) -> Result<String, String> {
        Ok(self.as_str().into())
    }
}

/// A text as it is, anything else as JSON.
impl ToolOutput for Value {
    fn into_output(self) -> Result<String, String> {
        Ok(match self {
            Self::String(text) => text,
            value => value.to_string(),
        })
    }
}

/// A text as it is, anything else as JSON; or the error in words.
impl<T: Serialize, E: fmt::Display> ToolOutput for Result<T, E> {
    fn into_output(self) -> Result<String, String> {
        let value = self.map_err(|error| error.to_string())?;
        serde_json::to_value(value).map_err(|error| error.to_string())?.into_output()
    }
}
