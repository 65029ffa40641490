use std::fmt;

/// What became of every case, in order.
#[derive(Clone, Debug)]
pub struct Report(Vec<Case>);

/// One part of the contract.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its name, which never changes its meaning.
    pub name: &'static str,
    /// What the contract says, in a sentence.
    pub promise: &'static str,
    /// Whether the transport keeps it.
    pub verdict: Verdict,
}

/// Whether a transport keeps a part of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not, and this happened.
    Broken(String),
    /// It was not asked, for this reason.
    NotApplicable(String),
}

impl Report {
    pub(super) fn new(cases: Vec<Case>) -> Self {
        Self(cases)
    }

    /// Every case, in order.
    pub fn cases(&self) -> &[Case] {
        &self.0
    }

    /// The names of the broken cases.
    pub fn broken(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::Broken(_)))
    }

    /// The names of the cases that do not apply.
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::NotApplicable(_)))
    }

    /// For a test.
    ///
    /// # Panics
    /// A case is broken. The message is the report.
    pub fn assert(&self) {
        assert!(self.broken().is_empty(), "the transport does not hold its contract:\n{self}");
    }

    fn names(&self, which: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        self.0.iter().filter(|case| which(&case.verdict)).map(|case| case.name).collect()
    }
}

/// One line for every case, and the count of each verdict.
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
