use std::fmt;

/// The results of all cases, in order.
#[derive(Clone, Debug)]
pub struct CheckReport(pub(super) Vec<Checked>);

/// The result of one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// Name. Its meaning never changes.
    pub name: &'static str,
    /// What a client relies on, in one sentence.
    pub promise: &'static str,
    /// Whether the server does it.
    pub finding: Finding,
}

/// Whether a server does what a client relies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It does.
    Holds,
    /// It does something else.
    Deviates {
        /// What was expected.
        expected: String,
        /// What came instead.
        came: String,
    },
    /// It was not tried, for this reason.
    DoesNotApply(String),
}

impl CheckReport {
    /// All cases, in order.
    pub fn cases(&self) -> &[Checked] {
        &self.0
    }

    /// Names of the cases in which the server deviates.
    pub fn deviations(&self) -> Vec<&'static str> {
        self.names(|finding| matches!(finding, Finding::Deviates { .. }))
    }

    /// Names of the cases that do not apply.
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.names(|finding| matches!(finding, Finding::DoesNotApply(_)))
    }

    fn names(&self, which: impl Fn(&Finding) -> bool) -> Vec<&'static str> {
        self.0.iter().filter(|case| which(&case.finding)).map(|case| case.name).collect()
    }
}

/// One line per case, and the number of each finding.
impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Checked { name, promise, finding } in &self.0 {
            match finding {
                Finding::Holds => writeln!(f, "holds           {name}")?,
                Finding::Deviates { expected, came } => {
                    writeln!(f, "DEVIATES        {name}: {promise} Expected: {expected}. Came: {came}.")?;
                }
                Finding::DoesNotApply(why) => writeln!(f, "does not apply  {name}: {why}")?,
            }
        }
        let (deviations, skipped) = (self.deviations().len(), self.not_applicable().len());
        let held = self.0.len() - deviations - skipped;
        write!(f, "{held} hold, {deviations} deviate, {skipped} do not apply")
    }
}
