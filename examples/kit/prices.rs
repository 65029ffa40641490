//! Usage and a table of prices to an exact cost.

use std::path::Path;

use realtime::{
    cost::{Bill, Cost, Prices},
    live::types::ReportedUsage,
    types::{TranscriptionUsage, Usage},
};
use serde_json::Value;

use crate::case::{Outcome, each, entries, file_name, json, text};

pub(crate) fn run(folder: &Path) -> Vec<Outcome> {
    let table = match json(&folder.join("table.json")) {
        Ok(table) => table,
        Err(error) => return vec![Outcome { name: "table.json".into(), result: Err(error) }],
    };
    let mut outcomes = Vec::new();
    for path in entries(folder).into_iter().filter(|path| file_name(path) != "table.json") {
        outcomes.extend(each(&path, "cases", |case| one(case, &table)));
        outcomes.extend(each(&path, "sessions", |case| session(case, &table)));
    }
    outcomes
}

fn prices(table: &Value, model: &str) -> Result<Prices, String> {
    let model = table["models"].get(model).ok_or_else(|| format!("the table has no model {model:?}"))?;
    let mut prices = Prices::default();
    let mut set = |name: &str, price: &Value| {
        let price = price.as_str().unwrap_or_default().parse().map_err(|error| format!("{name}: {error}"))?;
        let place = match name {
            "text_in" => &mut prices.text_in,
            "text_in_cached" => &mut prices.text_in_cached,
            "audio_in" => &mut prices.audio_in,
            "audio_in_cached" => &mut prices.audio_in_cached,
            "image_in" => &mut prices.image_in,
            "image_in_cached" => &mut prices.image_in_cached,
            "text_out" => &mut prices.text_out,
            "audio_out" => &mut prices.audio_out,
            "per_minute_usd" => &mut prices.per_minute,
            "paused_per_minute_usd" => &mut prices.paused_per_minute,
            _ => return Err(format!("a price that is not known here: {name}")),
        };
        *place = Some(price);
        Ok(())
    };
    for (name, price) in model.as_object().into_iter().flatten() {
        match price {
            Value::Object(tokens) => tokens.iter().try_for_each(|(name, price)| set(name, price))?,
            Value::String(_) => set(name, price)?,
            _ => {}
        }
    }
    Ok(prices)
}

/// The cost of a usage of any shape.
fn cost(usage: &Value, prices: &Prices) -> Result<Cost, String> {
    let unreadable = |error| format!("the usage cannot be read: {error}");
    if usage.is_null() {
        return Ok(Cost::default());
    }
    if usage.get("type").is_some() {
        let usage: TranscriptionUsage = serde_json::from_value(usage.clone()).map_err(unreadable)?;
        return Ok(prices.transcription(&usage));
    }
    if usage.get("seconds").is_some() {
        let usage: ReportedUsage = serde_json::from_value(usage.clone()).map_err(unreadable)?;
        return Ok(prices.live(&usage));
    }
    let usage: Usage = serde_json::from_value(usage.clone()).map_err(unreadable)?;
    Ok(prices.response(&usage))
}

fn one(case: &Value, table: &Value) -> Result<(), String> {
    let cost = cost(&case["usage"], &prices(table, text(case, "model"))?)?;
    compare(case, &cost)
}

fn session(case: &Value, table: &Value) -> Result<(), String> {
    let events = case["events"].as_array().ok_or("a session without events")?;
    if let Some(model) = case["model"].as_str() {
        let usage = &events.last().ok_or("a session without events")?["usage"];
        let mut prices = prices(table, model)?;
        compare(case, &cost(usage, &prices)?)?;
        prices.paused_per_minute = None;
        return match case["cost_microusd_without_a_paused_price"].as_str() {
            Some(expected) => exactly(expected, &cost(usage, &prices)?),
            None => Ok(()),
        };
    }
    let mut bill = Bill::default();
    for event in events {
        let cost = cost(&event["usage"], &prices(table, text(event, "model"))?)?;
        match event["response_id"].as_str() {
            Some(id) => bill.response(id, &cost),
            None => bill.add(&cost),
        }
    }
    compare(case, bill.total())
}

fn compare(case: &Value, cost: &Cost) -> Result<(), String> {
    if let Some([least, most]) = case["cost_microusd_between"].as_array().map(Vec::as_slice) {
        let (least, most) = (fraction(least)?, fraction(most)?);
        let came = fraction(&cost.total().to_string().into())?;
        let inside = least.0 * came.1 <= came.0 * least.1 && came.0 * most.1 <= most.0 * came.1;
        return if inside { Ok(()) } else { Err(format!("{} is not between {least:?} and {most:?}", cost.total())) };
    }
    if let Some(rounded) = case["cost_microusd_rounded"].as_u64()
        && rounded != cost.total().microdollars()
    {
        return Err(format!("rounded: expected {rounded}, came {}", cost.total().microdollars()));
    }
    exactly(text(case, "cost_microusd"), cost)
}

fn exactly(expected: &str, cost: &Cost) -> Result<(), String> {
    let came = cost.total().to_string();
    let (one, other) = (fraction(&expected.into())?, fraction(&came.clone().into())?);
    if one.0 * other.1 == other.0 * one.1 { Ok(()) } else { Err(format!("expected {expected}, came {came}")) }
}

/// A number in decimals or as a fraction: `12.5` is 125/10.
fn fraction(value: &Value) -> Result<(u128, u128), String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (numerator, denominator) = match text.split_once('/') {
        Some((numerator, denominator)) => (numerator.to_owned(), denominator.parse().ok()),
        None => {
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            (format!("{whole}{decimals}"), 10u128.checked_pow(u32::try_from(decimals.len()).unwrap_or(u32::MAX)))
        }
    };
    numerator.parse().ok().zip(denominator).ok_or_else(|| format!("not an amount: {text:?}"))
}
