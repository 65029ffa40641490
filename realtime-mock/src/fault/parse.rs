//! Fault plans as text, for command lines.

use std::{error, fmt, str::FromStr, time::Duration};

use realtime_core::transport::{CloseFrame, TransportErrorKind};

use super::{ConnectFault, Fault, FaultPlan, FaultTrigger};

/// Parses faults that are separated by commas, such as `slow=20,close-after=5:1013`. The numbers count the server's
/// messages, or are milliseconds.
///
/// | text | fault |
/// |---|---|
/// | `drop-after=N` | the link breaks |
/// | `close-after=N`, `close-after=N:CODE` | the server closes the connection, with 1011 by default |
/// | `half-open-after=N` | nothing arrives any more, without notice |
/// | `garbage-after=N` | a text that is not JSON arrives |
/// | `unknown-after=N` | an event of an unknown type arrives |
/// | `slow=MS` | each message takes this long |
/// | `delay-connect=MS` | connecting takes this much longer |
///
/// ```
/// use std::time::Duration;
/// use realtime_core::transport::TransportErrorKind;
/// use realtime_mock::{Fault, FaultPlan, FaultTrigger};
///
/// let plan: FaultPlan = "drop-after=5,slow=20".parse()?;
/// let same = FaultPlan::new()
///     .at(FaultTrigger::Read(5), Fault::Break(TransportErrorKind::Io))
///     .at(FaultTrigger::Read(0), Fault::SlowReads(Duration::from_millis(20)));
/// assert_eq!(plan, same);
/// # Ok::<(), realtime_mock::FaultPlanError>(())
/// ```
impl FromStr for FaultPlan {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, FaultPlanError> {
        text.split(',').filter(|fault| !fault.is_empty()).try_fold(Self::new(), add)
    }
}

fn add(plan: FaultPlan, text: &str) -> Result<FaultPlan, FaultPlanError> {
    let wrong = |what| FaultPlanError { fault: text.into(), what };
    let (name, value) = text.split_once('=').ok_or_else(|| wrong("write NAME=NUMBER"))?;
    let (number, code) = match value.split_once(':') {
        Some((number, code)) if name == "close-after" => (number, code),
        _ => (value, "1011"),
    };
    let number = number.parse().map_err(|_| wrong("its number is not a whole number"))?;
    let fault = match name {
        "drop-after" => Fault::Break(TransportErrorKind::Io),
        "close-after" => {
            let code = code.parse().map_err(|_| wrong("its close code is not a number up to 65535"))?;
            Fault::Close(CloseFrame::new(code, "injected fault"))
        }
        "half-open-after" => Fault::HalfOpen,
        "garbage-after" => Fault::garbage(),
        "unknown-after" => Fault::unknown_event(),
        "slow" => return Ok(plan.at(FaultTrigger::Read(0), Fault::SlowReads(Duration::from_millis(number)))),
        "delay-connect" => return Ok(plan.connect(ConnectFault::Delay(Duration::from_millis(number)))),
        _ => return Err(wrong("there is no fault of this name")),
    };
    Ok(plan.at(FaultTrigger::Read(number), fault))
}

/// Why a text is not a [`FaultPlan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlanError {
    fault: Box<str>,
    what: &'static str,
}

impl fmt::Display for FaultPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fault `{}` is not understood: {}", self.fault, self.what)
    }
}

impl error::Error for FaultPlanError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_text() {
        let text = "drop-after=1,close-after=2:1013,close-after=3,half-open-after=4,garbage-after=5,unknown-after=6,slow=7,\
                    delay-connect=8";
        let plan = FaultPlan::from_str(text).unwrap();
        assert_eq!(plan.connect, Some(ConnectFault::Delay(Duration::from_millis(8))));
        let close = |code| Fault::Close(CloseFrame::new(code, "injected fault"));
        let faults = [
            (FaultTrigger::Read(1), Fault::Break(TransportErrorKind::Io)),
            (FaultTrigger::Read(2), close(1013)),
            (FaultTrigger::Read(3), close(1011)),
            (FaultTrigger::Read(4), Fault::HalfOpen),
            (FaultTrigger::Read(5), Fault::garbage()),
            (FaultTrigger::Read(6), Fault::unknown_event()),
            (FaultTrigger::Read(0), Fault::SlowReads(Duration::from_millis(7))),
        ];
        assert_eq!(plan.faults, faults);
        assert_eq!(FaultPlan::from_str("").unwrap(), FaultPlan::new());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, part) in [
            ("drop-after", "NAME=NUMBER"),
            ("drop-after=x", "whole number"),
            ("drop-after=1:1000", "whole number"),
            ("close-after=1:70000", "close code"),
            ("slow=1,explode=1", "`explode=1`"),
        ] {
            let error = FaultPlan::from_str(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
