//! Token counts of any shape, added up.

use serde_json::{Map, Number, Value};

use super::limits::MOST_ID;

/// How deep counts are looked for, and how many there are in all.
const DEEPEST: u32 = 8;
const MOST_COUNTS: usize = 256;

/// Adds the numbers of one report to the sum of those before, member by member.
pub(super) fn add(sum: &mut Value, report: &Value) {
    let mut room = MOST_COUNTS.saturating_sub(count(sum));
    add_at(sum, report, DEEPEST, &mut room);
}

/// How many members there are, on all levels.
fn count(sum: &Value) -> usize {
    sum.as_object().into_iter().flatten().map(|(_, value)| 1 + count(value)).sum()
}

fn add_at(sum: &mut Value, report: &Value, depth: u32, room: &mut usize) {
    match report {
        Value::Object(members) if depth > 0 => {
            if !sum.is_object() {
                *sum = Value::Object(Map::new());
            }
            let Value::Object(sum) = sum else { return };
            for (name, value) in members.iter().filter(|(_, value)| value.is_number() || value.is_object()) {
                if !sum.contains_key(name) {
                    if *room == 0 || name.len() > MOST_ID {
                        continue;
                    }
                    *room -= 1;
                }
                add_at(sum.entry(name.as_str()).or_insert(Value::Null), value, depth - 1, room);
            }
        }
        Value::Number(number) => {
            *sum = match (sum.as_i64().or(sum.is_null().then_some(0)), number.as_i64()) {
                (Some(before), Some(more)) => before.saturating_add(more).into(),
                _ => {
                    let before = sum.as_f64().unwrap_or_default();
                    Number::from_f64(before + number.as_f64().unwrap_or_default()).map_or(Value::Null, Value::Number)
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn adds_numbers_and_nothing_else() {
        let mut sum = Value::Null;
        add(&mut sum, &json!({"a": 1, "b": {"c": 2.5, "d": "x"}, "e": true, "f": null}));
        add(&mut sum, &json!({"a": 2, "b": {"c": 1}, "g": 1}));
        assert_eq!(sum, json!({"a": 3, "b": {"c": 3.5}, "g": 1}));
    }

    #[test]
    fn the_counts_of_all_levels_are_bounded_together() {
        let mut sum = Value::Null;
        for outer in 0..20 {
            let inner: Map<String, Value> = (0..20).map(|inner| (format!("{inner}"), 1.into())).collect();
            add(&mut sum, &json!({format!("{outer}"): inner}));
        }
        add(&mut sum, &json!({"0": {"0": 1}, "n".repeat(2_000): 1}));
        assert_eq!((count(&sum), &sum["0"]["0"]), (MOST_COUNTS, &json!(2)));
    }
}
