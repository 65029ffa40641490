//! What a case is, and how what came is compared with what was expected.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use serde_json::Value;

/// What became of one case: nothing to say, or what was expected and what came.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) result: Result<(), String>,
}

/// Runs one case. A panic is an outcome, too.
pub(crate) fn case(name: impl Into<String>, run: impl FnOnce() -> Result<(), String>) -> Outcome {
    let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(format!("panicked: {text}"))
    });
    Outcome { name: name.into(), result }
}

/// Runs each member of a file's list as a case, named after the file and the member `name`.
pub(crate) fn each(path: &Path, list: &str, run: impl Fn(&Value) -> Result<(), String>) -> Vec<Outcome> {
    let file = file_name(path);
    let read = json(path).and_then(|json| match &json[list] {
        Value::Array(cases) => Ok(cases.clone()),
        other => Err(format!("`{list}` is not a list of cases: {other}")),
    });
    match read {
        Ok(cases) => cases.iter().map(|it| case(format!("{file}: {}", text(it, "name")), || run(it))).collect(),
        Err(error) => vec![Outcome { name: file, result: Err(error) }],
    }
}

/// Reads a JSON file.
pub(crate) fn json(path: &Path) -> Result<Value, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The folder's entries, sorted by name.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    paths.sort();
    paths
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A text member, or nothing.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// Whether the values are equal, numbers as numbers.
pub(crate) fn equal(expected: &Value, came: &Value) -> bool {
    match (expected, came) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| equal(value, other)))
        }
        (one, other) => one == other,
    }
}

/// Whether every listed member fits. Null means absent or null; `either` lists outcomes of which one must fit.
pub(crate) fn listed(expected: &Value, came: &Value) -> Result<(), String> {
    if let Some(either) = expected["either"].as_array() {
        return match either.iter().any(|one| listed(one, came).is_ok()) {
            true => Ok(()),
            false => Err(format!("expected one of {}, came {came}", Value::from(either.clone()))),
        };
    }
    let members = expected.as_object().ok_or_else(|| format!("the case expects {expected}, which has no members"))?;
    for (name, value) in members {
        if matches!(name.as_str(), "name" | "what" | "note" | "source" | "rule" | "rules" | "how" | "why")
            && came.get(name).is_none()
        {
            continue;
        }
        let other = came.get(name).unwrap_or(&Value::Null);
        if !equal(value, other) {
            return Err(format!("`{name}`: expected {value}, came {other}"));
        }
    }
    Ok(())
}

/// An error if they differ.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, came: T) -> Result<(), String> {
    if expected == came { Ok(()) } else { Err(format!("{what}: expected {expected:?}, came {came:?}")) }
}
