/// What is wrong with an event of the client, as the `error` event tells it.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
    pub(super) param: Option<String>,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), message: message.into(), param: None }
    }

    /// Names the member at fault.
    pub(super) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::new("missing_required_parameter", format!("Missing required parameter: '{param}'.")).at(param)
    }

    pub(super) fn unknown(param: &str) -> Self {
        Self::new("unknown_parameter", format!("Unknown parameter: '{param}'.")).at(param)
    }

    pub(super) fn value(param: &str, given: &str, supported: &[&str]) -> Self {
        let supported = match supported {
            [] => String::new(),
            [only] => format!(" Supported values are: '{only}'."),
            [first, last] => format!(" Supported values are: '{first}' and '{last}'."),
            [most @ .., last] => format!(" Supported values are: '{}', and '{last}'.", most.join("', '")),
        };
        Self::new("invalid_value", format!("Invalid value: '{given}'.{supported}")).at(param)
    }

    /// There is no such item.
    pub(super) fn no_item(code: &'static str, doing: &str, what: &str, id: &str, param: &str) -> Self {
        Self::new(code, format!("Error {doing} item: the {what} with id '{id}' does not exist.")).at(param)
    }
}
