use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, Target},
};

use crate::row::*;

pub(crate) fn plain() -> Vec<Row> {
    vec![
        row("OpenAI").url("wss://api.openai.com/v1/realtime?model=m"),
        row("call").to(call("rtc_1")).url("wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        row("transcription").to(Target::Transcription).url("wss://api.openai.com/v1/realtime?intent=transcription"),
        row("translation").to(translation("m")).url("wss://api.openai.com/v1/realtime/translations?model=m"),
        // Encoding
        row("space").to(model("a b")).url("wss://api.openai.com/v1/realtime?model=a+b"),
        row("plus").to(model("a+b")).url("wss://api.openai.com/v1/realtime?model=a%2Bb"),
        row("ampersand, equals").to(model("a&b=c")).url("wss://api.openai.com/v1/realtime?model=a%26b%3Dc"),
        row("percent").to(model("100%20")).url("wss://api.openai.com/v1/realtime?model=100%2520"),
        row("unicode").to(model("é😀")).url("wss://api.openai.com/v1/realtime?model=%C3%A9%F0%9F%98%80"),
        row("slash, hash, question").to(model("a/b#c?d")).url("wss://api.openai.com/v1/realtime?model=a%2Fb%23c%3Fd"),
        row("call, encoded").to(call("a b&c")).url("wss://api.openai.com/v1/realtime?call_id=a+b%26c"),
        row("name of a parameter, encoded")
            .query("k y", "é")
            .url("wss://api.openai.com/v1/realtime?model=m&k+y=%C3%A9"),
        row("line break in a value").query("k", "a\nb").url("wss://api.openai.com/v1/realtime?model=m&k=a%0Ab"),
        // Scheme, host, port, path
        row("http").base("http://localhost:8080/v1/").url("ws://localhost:8080/v1/realtime?model=m"),
        row("ws").base("ws://localhost:8080/v1").url("ws://localhost:8080/v1/realtime?model=m"),
        row("wss").base("wss://gw/v1").url("wss://gw/v1/realtime?model=m"),
        row("upper case").base("HTTPS://GW/V1").url("wss://GW/V1/realtime?model=m"),
        row("a default port is kept").base("https://gw:443/v1").url("wss://gw:443/v1/realtime?model=m"),
        row("address").base("http://127.0.0.1:1/v1").url("ws://127.0.0.1:1/v1/realtime?model=m"),
        row("address of IPv6").base("http://[::1]:8080/v1").url("ws://[::1]:8080/v1/realtime?model=m"),
        row("no path").base("https://gw").url("wss://gw/realtime?model=m"),
        row("no path, a slash").base("https://gw/").url("wss://gw/realtime?model=m"),
        row("no path, a query").base("https://gw?k=v").url("wss://gw/realtime?k=v&model=m"),
        row("trailing slashes").base("https://gw/a//v1///").url("wss://gw/a//v1/realtime?model=m"),
        row("trailing slash, query").base("https://gw/v1/?k=v").url("wss://gw/v1/realtime?k=v&model=m"),
        row("escapes in the path").base("https://gw/a%20%C3%A9/v1").url("wss://gw/a%20%C3%A9/v1/realtime?model=m"),
        row("translation at a gateway")
            .base("https://gw/a/?k=v")
            .to(translation("m"))
            .url("wss://gw/a/realtime/translations?k=v&model=m"),
        // The base URL's query
        row("base query").base("https://gw/a/v1?tenant=7&model=zz").url("wss://gw/a/v1/realtime?tenant=7&model=m"),
        row("base query, repeated model").base("https://gw?model=y&k=v&model=z").url("wss://gw/realtime?k=v&model=m"),
        row("base query, escaped model").base("https://gw?mod%65l=y").url("wss://gw/realtime?model=m"),
        row("base query, other case").base("https://gw?Model=y").url("wss://gw/realtime?Model=y&model=m"),
        row("base query keeps its spelling")
            .base("https://gw?a=b%20c&d=%2f&flag&e=&l=1&l=2&&")
            .url("wss://gw/realtime?a=b%20c&d=%2f&flag&e=&l=1&l=2&model=m"),
        row("base query, other targets dropped")
            .base("https://gw?call_id=x&intent=transcription&k=v")
            .url("wss://gw/realtime?k=v&model=m"),
        row("base query, other target than a call")
            .base("https://gw?model=x&intent=y&call_id=z")
            .to(call("rtc_1"))
            .url("wss://gw/realtime?call_id=rtc_1"),
        row("base query, other target than transcription")
            .base("https://gw?model=x&intent=y")
            .to(Target::Transcription)
            .url("wss://gw/realtime?intent=transcription"),
        row("base query, names of Azure mean nothing elsewhere")
            .base("https://gw?api-version=1&deployment=d")
            .url("wss://gw/realtime?api-version=1&deployment=d&model=m"),
        // Three layers
        row("default < base < connection")
            .at(Endpoint::gateway("https://gw?b=2&c=2").extras(none().query("a", "1").query("b", "1").query("c", "1")))
            .query("c", "3")
            .query("d", "3")
            .url("wss://gw/realtime?a=1&b=2&model=m&c=3&d=3"),
        row("default model is dropped")
            .at(Endpoint::openai().extras(none().query("model", "zz").query("intent", "i")))
            .url("wss://api.openai.com/v1/realtime?model=m"),
        row("one value replaces a list")
            .base("https://gw?l=1&l=2")
            .query("l", "3")
            .url("wss://gw/realtime?model=m&l=3"),
        row("a list replaces one value")
            .base("https://gw?l=1")
            .with(none().append_query("l", "2").append_query("l", "3"))
            .url("wss://gw/realtime?model=m&l=2&l=3"),
        row("the last of one layer")
            .with(none().append_query("l", "1").query("l", "2"))
            .url("wss://api.openai.com/v1/realtime?model=m&l=2"),
        row("connection's model replaces").query("model", "n").url("wss://api.openai.com/v1/realtime?model=n"),
        row("connection's model replaces, translation")
            .to(translation("m"))
            .query("model", "n")
            .url("wss://api.openai.com/v1/realtime/translations?model=n"),
        row("connection's call does not replace")
            .to(call("rtc_1"))
            .query("call_id", "rtc_2")
            .url("wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        row("connection's intent does not replace")
            .to(Target::Transcription)
            .query("intent", "x")
            .url("wss://api.openai.com/v1/realtime?intent=transcription"),
        row("transcription by a gateway that asks for a model")
            .base(GATEWAY)
            .to(Target::Transcription)
            .query("model", "m")
            .url("wss://gw/a/v1/realtime?model=m&intent=transcription"),
        row("model with an intent")
            .base(GATEWAY)
            .query("intent", "transcription")
            .url("wss://gw/a/v1/realtime?model=m&intent=transcription"),
        // A base for WebSockets
        row("WebSocket base")
            .at(Endpoint::openai().websocket_base("wss://edge/rt/?k=v"))
            .url("wss://edge/rt/realtime?k=v&model=m"),
        row("WebSocket base replaces the base's query")
            .at(Endpoint::gateway("https://gw/v1?tenant=7").websocket_base("ws://edge"))
            .url("ws://edge/realtime?model=m"),
        row("WebSocket base that is a whole address")
            .at(Endpoint::openai().websocket_base("wss://edge/rt/realtime?k=v"))
            .url("wss://edge/rt/realtime?k=v&model=m"),
        row("WebSocket base of http")
            .at(Endpoint::openai().websocket_base("http://localhost:9000/rt"))
            .url("ws://localhost:9000/rt/realtime?model=m"),
    ]
}

pub(crate) fn whole_addresses() -> Vec<Row> {
    let exact = |url: &str| Endpoint::exact(url);
    vec![
        row("whole address").base("https://gw/v1/realtime").url("wss://gw/v1/realtime?model=m"),
        row("whole address, a slash, a query")
            .base("wss://gw/v1/realtime/?model=d&k=v")
            .url("wss://gw/v1/realtime?k=v&model=m"),
        row("whole address without a path before it").base("ws://gw:1/realtime").url("ws://gw:1/realtime?model=m"),
        row("whole address, twice").base("https://gw/v1/realtime/realtime").url("wss://gw/v1/realtime?model=m"),
        row("whole address of translations")
            .base("https://gw/v1/realtime/translations")
            .url("wss://gw/v1/realtime?model=m"),
        row("whole address, translation")
            .base("https://gw/v1/realtime")
            .to(translation("m"))
            .url("wss://gw/v1/realtime/translations?model=m"),
        row("whole address of the keys")
            .base("https://gw/v1/realtime/client_secrets")
            .url("wss://gw/v1/realtime?model=m"),
        row("a name that ends like one")
            .base("https://gw/v1/notrealtime")
            .url("wss://gw/v1/notrealtime/realtime?model=m"),
        row("a path with one in it").base("https://gw/realtime/v1").url("wss://gw/realtime/v1/realtime?model=m"),
        row("whole address of another API").base("https://gw/v1/chat/completions").url("wss://gw/v1/realtime?model=m"),
        row("Azure's base for SDKs at a gateway")
            .base("https://r.openai.azure.com/openai/v1/")
            .url("wss://r.openai.azure.com/openai/v1/realtime?model=m"),
        row("Azure's current address at a gateway")
            .base("https://r.openai.azure.com/openai/v1/realtime?model=d")
            .url("wss://r.openai.azure.com/openai/v1/realtime?model=m"),
        row("Voice Live at a gateway")
            .base("https://r.services.ai.azure.com/voice-live/realtime?api-version=2025-10-01")
            .url("wss://r.services.ai.azure.com/voice-live/realtime?api-version=2025-10-01&model=m"),
        // Without a model
        row("no model").base("http://localhost:8000/v1").to(Target::Unnamed).url("ws://localhost:8000/v1/realtime"),
        row("no model, a query")
            .base("https://gw/v1?k=v")
            .to(Target::Unnamed)
            .query("l", "w")
            .url("wss://gw/v1/realtime?k=v&l=w"),
        row("no model, the base names one")
            .base("https://gw/v1/realtime?model=d")
            .to(Target::Unnamed)
            .url("wss://gw/v1/realtime?model=d"),
        row("no model, preview").at(preview()).to(Target::Unnamed).url(PREVIEW),
        // Exact URLs
        row("exact").at(exact("wss://gw/any/path")).url("wss://gw/any/path"),
        row("exact, to the letter")
            .at(exact("wss://GW:443/a//b/?x=%20y&&z&model=d&"))
            .url("wss://GW:443/a//b/?x=%20y&&z&model=d&"),
        row("exact, a call").at(exact("wss://gw/x?call_id=rtc_1")).to(call("rtc_1")).url("wss://gw/x?call_id=rtc_1"),
        row("exact, a translation").at(exact("wss://gw/x")).to(translation("m")).url("wss://gw/x"),
        row("exact, http").at(exact("http://gw/x?k=v")).url("ws://gw/x?k=v"),
        row("exact, no path").at(exact("https://gw")).url("wss://gw/"),
        row("exact, no path, a query").at(exact("https://gw?k=v")).url("wss://gw/?k=v"),
        row("exact, parameters that are asked for")
            .at(exact("wss://gw/x?b=2&c=2").extras(none().query("a", "1").query("b", "1")))
            .query("c", "3")
            .url("wss://gw/x?a=1&b=2&c=3"),
        row("exact, a WebSocket base in its place")
            .at(exact("wss://gw/x").websocket_base("wss://edge/rt"))
            .url("wss://edge/rt/realtime?model=m"),
    ]
}

pub(crate) fn azure_rows() -> Vec<Row> {
    let key = || Credential::azure_key("k1");
    let ours = [("api-key", "k1"), USER_AGENT];
    let with = |query: &str| format!("{PREVIEW}&{query}");
    let ga = "wss://r.openai.azure.com/openai/v1/realtime?model=m";
    vec![
        row("Azure").at(azure()).by(key()).sends(ga, &ours),
        row("Azure, token")
            .at(azure())
            .by(Credential::bearer("ey.1"))
            .sends(ga, &[("authorization", "Bearer ey.1"), USER_AGENT]),
        row("Azure, ephemeral key")
            .at(azure())
            .by(Credential::ephemeral("ek_1"))
            .sends(ga, &[("authorization", "Bearer ek_1"), USER_AGENT]),
        row("Azure, its URL for SDKs").at(Endpoint::azure("https://r.openai.azure.com/openai/v1/")).url(ga),
        row("Azure, older URL for SDKs").at(Endpoint::azure("https://r.openai.azure.com/openai")).url(ga),
        row("Azure, as the portal shows it")
            .at(Endpoint::azure("https://r.openai.azure.com/openai/realtime?api-version=v&deployment=d"))
            .url(ga),
        row("Azure, whole URL").at(Endpoint::azure("wss://r.openai.azure.com/openai/v1/realtime?model=d")).url(ga),
        row("Azure, a deployment's address")
            .at(Endpoint::azure("https://r.openai.azure.com/openai/deployments/d/realtime?api-version=v"))
            .url(ga),
        row("Azure, a deployment's address for another API")
            .at(Endpoint::azure("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=v"))
            .url(ga),
        row("Azure, whole URL, a slash").at(Endpoint::azure("https://r.openai.azure.com/openai/v1/realtime/")).url(ga),
        row("preview, a deployment's address")
            .at(Endpoint::azure_preview(
                "https://r.openai.azure.com/openai/deployments/d/realtime?api-version=v",
                "2025-04-01-preview",
            ))
            .url(&with("deployment=m")),
        row("Azure behind a path")
            .at(Endpoint::azure("https://gw/a/openai?k=v"))
            .url("wss://gw/a/openai/v1/realtime?k=v&model=m"),
        row("Azure, http").at(Endpoint::azure("http://gw:8443")).url("wss://gw:8443/openai/v1/realtime?model=m"),
        row("Azure, ws").at(Endpoint::azure("ws://localhost:1")).url("ws://localhost:1/openai/v1/realtime?model=m"),
        row("Azure, api-version asked for")
            .at(azure())
            .query("api-version", "preview")
            .url("wss://r.openai.azure.com/openai/v1/realtime?model=m&api-version=preview"),
        row("Azure, call")
            .at(azure())
            .to(call("rtc_1"))
            .url("wss://r.openai.azure.com/openai/v1/realtime?call_id=rtc_1"),
        row("Azure, transcription")
            .at(azure())
            .to(Target::Transcription)
            .url("wss://r.openai.azure.com/openai/v1/realtime?intent=transcription"),
        row("Azure, translation")
            .at(azure())
            .to(translation("m"))
            .url("wss://r.openai.azure.com/openai/v1/realtime/translations?model=m"),
        row("Azure, WebSocket base").at(azure().websocket_base("wss://edge/rt")).url("wss://edge/rt/realtime?model=m"),
        row("preview").at(preview()).by(key()).sends(&with("deployment=m"), &ours),
        row("preview, token")
            .at(preview())
            .by(Credential::bearer("ey.1"))
            .sends(&with("deployment=m"), &[("authorization", "Bearer ey.1"), USER_AGENT]),
        row("preview, as the portal shows it")
            .at(Endpoint::azure_preview("https://r.openai.azure.com/openai/realtime?api-version=v&deployment=d", "w"))
            .url("wss://r.openai.azure.com/openai/realtime?api-version=w&deployment=m"),
        row("preview, to encode").at(preview()).to(model("a b")).url(&with("deployment=a+b")),
        row("preview, base model is dropped")
            .at(Endpoint::azure_preview("http://gw?model=zz&k=v", "w"))
            .url("wss://gw/openai/realtime?k=v&api-version=w&deployment=m"),
        row("preview, connection's version and deployment do not replace")
            .at(preview())
            .with(none().query("api-version", "x").query("deployment", "x").query("k", "v"))
            .url("wss://r.openai.azure.com/openai/realtime?k=v&api-version=2025-04-01-preview&deployment=m"),
        row("preview, connection's model is one more parameter")
            .at(preview())
            .query("model", "n")
            .url("wss://r.openai.azure.com/openai/realtime?model=n&api-version=2025-04-01-preview&deployment=m"),
        row("preview, call").at(preview()).to(call("rtc_1")).url(&with("call_id=rtc_1")),
        row("preview, call, a deployment asked for")
            .at(preview())
            .to(call("rtc_1"))
            .query("deployment", "d")
            .url("wss://r.openai.azure.com/openai/realtime?deployment=d&api-version=2025-04-01-preview&call_id=rtc_1"),
        row("preview, transcription").at(preview()).to(Target::Transcription).url(&with("intent=transcription")),
        row("preview, transcription with a deployment")
            .at(preview().extras(none().query("deployment", "d")))
            .to(Target::Transcription)
            .url(
                "wss://r.openai.azure.com/openai/realtime?deployment=d&api-version=2025-04-01-preview\
                 &intent=transcription",
            ),
        row("preview, WebSocket base")
            .at(preview().websocket_base("ws://localhost:1/rt?k=v"))
            .url("ws://localhost:1/rt/realtime?k=v&api-version=2025-04-01-preview&deployment=m"),
    ]
}
