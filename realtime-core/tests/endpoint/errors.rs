use realtime_core::{
    auth::Credential,
    endpoint::{Endpoint, EndpointError::*, Target},
};

use crate::{SECRET, row::*};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("empty URL").base("").empty("base URL"),
        row("blank URL").base(" \n").empty("base URL"),
        row("empty WebSocket base").at(Endpoint::openai().websocket_base("")).empty("base URL"),
        row("empty resource").at(Endpoint::azure("")).empty("base URL"),
        row("no scheme").base("s3cr3t.example/v1").fails(Scheme),
        row("a key in the place of a URL").base("sk-s3cr3t").fails(Scheme),
        row("other scheme").base("ftp://s3cr3t.example").fails(Scheme),
        row("other scheme of the WebSocket base").at(Endpoint::openai().websocket_base("unix:///s3cr3t")).fails(Scheme),
        row("no host").base("https:///v1").fails(Host),
        row("no host, a query").base("https://?k=s3cr3t").fails(Host),
        row("no host, a port").base("https://:443/v1").fails(Host),
        row("half an address").base("https://[::1/v1").fails(Host),
        row("port too high").base("https://gw:65536/v1").fails(Port),
        row("port with a sign").base("https://gw:+1/v1").fails(Port),
        row("empty port").base("https://gw:/v1").fails(Port),
        row("port in letters").base("https://gw:s3cr3t/v1").fails(Port),
        row("user").base("https://s3cr3t@gw/v1").fails(UserInfo),
        row("password").base("https://user:s3cr3t@gw:1/v1").fails(UserInfo),
        row("password in the WebSocket base")
            .at(Endpoint::openai().websocket_base("wss://u:s3cr3t@gw"))
            .fails(UserInfo),
        row("fragment").base("https://gw/v1#s3cr3t").fails(Fragment),
        row("empty fragment").base("https://gw/v1?k=v#").fails(Fragment),
        row("space").base("https://gw/s3cr3t v1").fails(UrlCharacter),
        row("trailing line break").base("https://gw/s3cr3t\n").fails(UrlCharacter),
        row("control character").base("https://gw/s3cr3t\u{7f}").fails(UrlCharacter),
        row("backslash").base("https://gw\\s3cr3t").fails(UrlCharacter),
        row("unicode in the host").base("https://bücher.example/s3cr3t").fails(UrlCharacter),
        row("percent that escapes nothing").base("https://gw/v1?k=s3cr3t%").fails(UrlEscape),
        row("percent before no digits").base("https://gw/s3cr3t%zz").fails(UrlEscape),
        row("escapes that are not UTF-8").base("https://gw/v1?k=s3cr3t%ff").fails(UrlEscape),
        row("an Azure deployment at a gateway")
            .base("https://s3cr3t.openai.azure.com/openai/deployments/d/realtime?api-version=v")
            .fails(AzureAddress),
        row("Azure's preview address at a gateway")
            .base("https://s3cr3t.openai.azure.com/openai/realtime?api-version=v&deployment=d")
            .fails(AzureAddress),
        row("an Azure deployment as a base")
            .base("https://s3cr3t.openai.azure.com/openai/deployments/d")
            .fails(AzureAddress),
        row("an Azure resource as a base").base("https://s3cr3t.openai.azure.com/").fails(AzureAddress),
        row("an Azure resource as a base, in capitals").base("https://S3CR3T.OpenAI.Azure.com").fails(AzureAddress),
        row("Azure's older base for SDKs").base("https://s3cr3t.openai.azure.com/openai").fails(AzureAddress),
        row("Azure's preview address without its version")
            .base("wss://s3cr3t.openai.azure.com/openai/realtime?deployment=d")
            .fails(AzureAddress),
        row("an Azure project as a base")
            .base("https://s3cr3t.services.ai.azure.com/api/projects/p")
            .fails(AzureAddress),
        row("a catalogue of models as a resource")
            .at(Endpoint::azure("https://s3cr3t.services.ai.azure.com/models"))
            .fails(ResourcePath),
        row("Voice Live as a resource")
            .at(Endpoint::azure("https://s3cr3t.services.ai.azure.com/voice-live/realtime?api-version=v"))
            .fails(ResourcePath),
        row("a project as a resource")
            .at(Endpoint::azure("https://s3cr3t.services.ai.azure.com/api/projects/p"))
            .fails(ResourcePath),
        row("exact, empty").at(Endpoint::exact(" ")).empty("base URL"),
        row("exact, no scheme").at(Endpoint::exact("s3cr3t.example/x")).fails(Scheme),
        row("exact, a fragment").at(Endpoint::exact("wss://gw/x#s3cr3t")).fails(Fragment),
        row("too long").query("k", &SECRET.repeat(11_000)).fails(TooLong),
        row("empty model").to(model("")).empty("model"),
        row("blank model").to(model(" \t")).empty("model"),
        row("empty model of the connection").query("model", "").empty("model"),
        row("empty model, translation").to(translation("")).empty("model"),
        row("empty deployment").at(preview()).to(model("")).empty("deployment"),
        row("empty call").to(call("")).empty("call_id"),
        row("no api-version").at(Endpoint::azure_preview("https://gw", " ")).empty("api-version"),
        row("line break in the model").to(model("s3cr3t\n")).fails(Control { what: "model" }),
        row("control character in a call").to(call("s3cr3t\0")).fails(Control { what: "call_id" }),
        row("control character in the version")
            .at(Endpoint::azure_preview("https://gw", "v\r"))
            .fails(Control { what: "api-version" }),
        row("model and call").query("call_id", SECRET).fails(TwoTargets { name: "call_id" }),
        row("call and model").to(call("rtc_1")).query("model", SECRET).fails(TwoTargets { name: "model" }),
        row("call and intent").to(call("rtc_1")).query("intent", SECRET).fails(TwoTargets { name: "intent" }),
        row("transcription and call")
            .to(Target::Transcription)
            .query("call_id", SECRET)
            .fails(TwoTargets { name: "call_id" }),
        row("translation and intent").to(translation("m")).query("intent", SECRET).fails(TwoTargets { name: "intent" }),
        row("preview, model and call").at(preview()).query("call_id", SECRET).fails(TwoTargets { name: "call_id" }),
        row("preview, translation").at(preview()).to(translation("m")).fails(PreviewTranslation),
        row("empty key").by(Credential::api_key("")).fails(EmptyKey),
        row("blank key").by(Credential::ephemeral(" \n")).fails(EmptyKey),
        row("empty key of Azure").by(Credential::azure_key("")).fails(EmptyKey),
        row("empty token").by(Credential::bearer("")).fails(EmptyKey),
        row("key with a line break").by(Credential::api_key("sk-s3cr3t\n")).fails(KeyCharacter),
        row("key with its scheme").by(Credential::api_key("Bearer sk-s3cr3t")).fails(KeyCharacter),
        row("key that is not ASCII").by(Credential::azure_key("s3cr3t…")).fails(KeyCharacter),
        row("name with a colon").header("Authorization: s3cr3t", "").fails(HeaderName),
        row("empty name").header("", SECRET).fails(HeaderName),
        row("removed name with a space").with(none().without_header("X A")).fails(HeaderName),
        row("value with a line break").header("X-A", "s3cr3t\r\nX-B: 1").fails(HeaderValue { name: "x-a".into() }),
        row("value that is not ASCII")
            .at(Endpoint::openai().extras(none().organization("s3cr3té")))
            .fails(HeaderValue { name: "openai-organization".into() }),
        row("header of the transport").header("Host", SECRET).fails(TransportHeader { name: "host".into() }),
        row("header of the handshake")
            .header("Sec-WebSocket-Protocol", SECRET)
            .fails(TransportHeader { name: "sec-websocket-protocol".into() }),
    ]
}

/// Each error says what is wrong and, after a colon, what to do; none tells a secret.
#[test]
fn errors_help_and_keep_secrets() {
    for (name, error) in rows().iter().filter_map(|row| Some((row.name, row.result().err()?))) {
        let text = error.to_string();
        let (problem, advice) = text.split_once(": ").unwrap_or_default();
        assert!(!problem.is_empty() && !advice.is_empty(), "{name}: {text}");
        assert!(!text.contains(SECRET) && !format!("{error:?}").contains(SECRET), "{name}: {text}");
    }
    let empty = row("").by(Credential::api_key(" ")).result().unwrap_err();
    let text = "the API key or token is empty: set the environment variable or the setting that it is read from, \
                or use `Credential::None` for a server that needs no key";
    assert_eq!(empty.to_string(), text);
}
