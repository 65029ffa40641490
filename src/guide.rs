//! The listings of the guide (`docs/guide`), compiled and run as documentation tests.

macro_rules! pages {
    ($($name:ident: $file:literal)+) => {$(
        #[doc = include_str!(concat!("../docs/guide/src/", $file))]
        mod $name {}
    )+};
}

pages! {
    introduction: "introduction.md"
    conversation: "conversation.md"
    voice: "voice.md"
    tools: "tools.md"
    barge_in: "barge-in.md"
    transcription: "transcription.md"
    translation: "translation.md"
    live: "live.md"
    telephone: "telephone.md"
    browser_keys: "browser-keys.md"
    sip: "sip.md"
    reconnecting: "reconnecting.md"
    fleet: "fleet.md"
    sessions: "sessions.md"
    observing: "observing.md"
    server: "server.md"
    security: "security.md"
    performance: "performance.md"
    troubleshooting: "troubleshooting.md"
    testing: "testing.md"
    transport: "transport.md"
    protocol: "protocol.md"
    services: "services.md"
    command_line: "command-line.md"
    from_openai_python: "from-openai-python.md"
    from_async_openai: "from-async-openai.md"
    from_tokio_tungstenite: "from-tokio-tungstenite.md"
}
