use std::fmt;

/// The results of all cases, in order.
#[derive(Clone, Debug)]
pub struct Report(Vec<Case>);

/// The result of one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Name. Its meaning never changes.
    pub name: &'static str,
    /// The requirement, in one sentence.
    pub promise: &'static str,
    /// Whether the transport fulfils it.
    pub verdict: Verdict,
}

/// Whether a transport fulfils a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not, for this reason.
    Broken(String),
    /// Not tested, for this reason.
    NotApplicable(String),
}

impl Report {
    pub(super) fn new(cases: Vec<Case>) -> Self {
        Self(cases)
    }

    /// All cases, in order.
    pub fn cases(&self) -> &[Case] {
        &self.0
    }

    /// Names of the cases that failed.
    pub fn broken(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::Broken(_)))
    }

    /// Names of the cases that do not apply.
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::NotApplicable(_)))
    }

    /// Asserts that no case failed.
    ///
    /// # Panics
    /// Panics with the report if a case failed.
    pub fn assert(&self) {
        assert!(self.broken().is_empty(), "the transport does not hold its contract:\n{self}");
    }

    fn names(&self, which: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        self.0.iter().filter(|case| which(&case.verdict)).map(|case| case.name).collect()
    }
}

/// One line per case, and the number of each verdict.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Case { name, promise, verdict } in &self.0 {
            match verdict {
                Verdict::Holds => writeln!(f, "holds           {name}")?,
                Verdict::Broken(why) => writeln!(f, "BROKEN          {name}: {promise} But {why}")?,
                Verdict::NotApplicable(why) => writeln!(f, "not applicable  {name}: {why}")?,
            }
        }
        let (broken, skipped) = (self.broken().len(), self.not_applicable().len());
        let held = self.0.len() - broken - skipped;
        write!(f, "{held} hold, {broken} broken, {skipped} not applicable")
    }
}
