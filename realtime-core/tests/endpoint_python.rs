//! Our handshakes beside those of the official Python client, as `tests/interop/handshake/capture.py` recorded them.

use std::collections::{BTreeMap, BTreeSet};

use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, Extras, Handshake, Target},
};
use serde_json::{Map, Value};

/// Headers that differ in every case.
const ALWAYS: [(&str, &str); 3] = [
    ("header accept", "of no meaning in a WebSocket handshake"),
    ("header content-type", "of no meaning in a WebSocket handshake"),
    ("header user-agent", "each client has its own name"),
];

/// Every other difference: case, part, theirs, ours. Each with its reason.
#[rustfmt::skip]
const KNOWN: [(&str, &str, Option<&str>, Option<&str>); 8] = [
    // A call that is under way has its model; one connection has one target.
    ("call and model", "query model", Some("m"), None),
    ("Azure preview, call", "query deployment", Some("m"), None),
    // Who writes ws:// wants no TLS.
    ("ws base", "origin", Some("wss://localhost:8080"), Some("ws://localhost:8080")),
    // What came with the URL keeps its spelling. The meaning is the same.
    ("base query, spelling", "query a", Some("b+c"), Some("b%20c")),
    ("base query, spelling", "query flag", Some("flag="), Some("flag")),
    // One connection has one target; a base URL is no place to choose it.
    ("base query, other target", "query call_id", Some("rtc_1"), None),
    // Theirs puts the path into the query.
    ("Azure preview, base with a query", "path", Some("/openai/"), Some("/openai/realtime")),
    ("Azure preview, base with a query", "query x", Some("1realtime"), Some("1")),
];

#[test]
fn same_as_the_python_client() {
    let record: Value = serde_json::from_str(include_str!("../testdata/handshake-openai-python.json")).unwrap();
    let mut found = BTreeSet::new();
    let mut always = BTreeSet::new();
    for case in record["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let ours = parts_of(&handshake(case));
        let theirs = recorded(&case["sent"]);
        let parts: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for part in parts.into_iter().filter(|part| ours.get(*part) != theirs.get(*part)) {
            match ALWAYS.iter().any(|(always, _)| always == part) {
                true => always.insert(part.clone()),
                false => found.insert((name, part.clone(), theirs.get(part).cloned(), ours.get(part).cloned())),
            };
        }
    }
    let known = KNOWN
        .map(|(name, part, theirs, ours)| (name, part.to_owned(), theirs.map(str::to_owned), ours.map(str::to_owned)));
    assert_eq!(found, BTreeSet::from(known), "left: the differences found, right: those that are known");
    assert_eq!(always, ALWAYS.iter().map(|(part, _)| (*part).to_owned()).collect());
}

/// Ours, for the settings of a case.
fn handshake(case: &Value) -> Handshake {
    let (options, connect) = (&case["options"], &case["connect"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    let azure = case["client"] == "azure";
    let mut endpoint = match options.get("base_url") {
        Some(base) if azure => {
            Endpoint::azure_preview("https://unused", text(&options["api_version"])).websocket_base(text(base))
        }
        Some(base) => Endpoint::gateway(text(base)),
        None if azure => Endpoint::azure_preview(text(&options["azure_endpoint"]), text(&options["api_version"])),
        None => Endpoint::openai(),
    };
    if let Some(base) = options.get("websocket_base_url") {
        endpoint = endpoint.websocket_base(text(base));
    }
    let mut defaults = extras(options.get("default_query"), None);
    if let Some(id) = options.get("organization") {
        defaults = defaults.organization(text(id));
    }
    if let Some(id) = options.get("project") {
        defaults = defaults.project(text(id));
    }
    endpoint = endpoint.extras(with_headers(defaults, options.get("default_headers")));

    let target = match (connect.get("call_id"), options.get("azure_deployment").or(connect.get("model"))) {
        (Some(id), _) => Target::Call(text(id)),
        (None, Some(model)) if case["resource"] == "translations" => Target::Translation(text(model)),
        (None, Some(model)) => Target::Model(text(model)),
        (None, None) => Target::Transcription,
    };
    let credential = match options.get("azure_ad_token") {
        Some(token) => Credential::bearer(text(token)),
        None if azure => Credential::azure_key(text(&options["api_key"])),
        None => Credential::api_key(text(&options["api_key"])),
    };
    let extras = extras(connect.get("extra_query"), connect.get("extra_headers"));
    endpoint.handshake(&target, &credential, &extras).unwrap_or_else(|error| panic!("{}: {error}", case["name"]))
}

fn extras(query: Option<&Value>, headers: Option<&Value>) -> Extras {
    let mut extras = Extras::new();
    for (name, value) in entries(query) {
        extras = match value {
            Value::Array(values) => {
                values.iter().fold(extras, |extras, value| extras.append_query(name, value.as_str().unwrap()))
            }
            value => extras.query(name, value.as_str().unwrap()),
        };
    }
    with_headers(extras, headers)
}

fn with_headers(extras: Extras, headers: Option<&Value>) -> Extras {
    entries(headers).fold(extras, |extras, (name, value)| match value.as_str() {
        Some(value) => extras.header(name, value),
        None => extras.without_header(name),
    })
}

fn entries(object: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    object.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn parts_of(handshake: &Handshake) -> BTreeMap<String, String> {
    assert!(handshake.subprotocols.is_empty());
    let headers = handshake.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    parts(&handshake.uri.to_string(), headers)
}

fn recorded(sent: &Value) -> BTreeMap<String, String> {
    let headers = sent["headers"].as_array().unwrap().iter();
    parts(sent["url"].as_str().unwrap(), headers.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())))
}

/// Origin, path, each query parameter as it is spelt, each header. Of several values of a name, all, in order.
fn parts<'a>(url: &str, headers: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let slash = url.find("://").and_then(|start| Some(url[start + 3..].find('/')? + start + 3)).unwrap_or(url.len());
    let mut parts =
        BTreeMap::from([("origin".to_owned(), url[..slash].to_owned()), ("path".to_owned(), url[slash..].to_owned())]);
    let mut add = |part: String, value: &str| {
        let known = parts.entry(part).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(value);
    };
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap();
        // A flag is shown whole, so that `flag` and `flag=` differ.
        let value = pair.split_once('=').map(|(_, value)| value).filter(|value| !value.is_empty());
        add(format!("query {name}"), value.unwrap_or(pair));
    }
    for (name, value) in headers {
        add(format!("header {name}"), value);
    }
    parts
}
