/// Why a client event is invalid, in the form of an `error` event.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulator) struct Fault {
    pub(in crate::simulator) code: Option<&'static str>,
    pub(in crate::simulator) message: String,
    pub(in crate::simulator) param: Option<String>,
}

impl Fault {
    pub(in crate::simulator) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into(), param: None }
    }

    /// Sets the invalid member.
    pub(in crate::simulator) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(in crate::simulator) fn missing(param: &str) -> Self {
        Self::new("missing_required_parameter", format!("Missing required parameter: '{param}'.")).at(param)
    }

    pub(in crate::simulator) fn unknown(param: &str) -> Self {
        Self::new("unknown_parameter", format!("Unknown parameter: '{param}'.")).at(param)
    }

    pub(in crate::simulator) fn value(param: &str, given: &str, supported: &[&str]) -> Self {
        let supported = match supported {
            [] => String::new(),
            [only] => format!(" Supported values are: '{only}'."),
            [first, last] => format!(" Supported values are: '{first}' and '{last}'."),
            [most @ .., last] => format!(" Supported values are: '{}', and '{last}'.", most.join("', '")),
        };
        Self::new("invalid_value", format!("Invalid value: '{given}'.{supported}")).at(param)
    }

    /// Creates the error for an unknown item.
    pub(in crate::simulator) fn no_item(code: &'static str, doing: &str, what: &str, id: &str, param: &str) -> Self {
        Self::new(code, format!("Error {doing} item: the {what} with id '{id}' does not exist.")).at(param)
    }
}
