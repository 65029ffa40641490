use crate::wire::Json;

wire! {
    /// A function that the model may call.
    pub struct FunctionTool {
        /// Its name.
        req name: String,
        /// What it does.
        opt description: String,
        /// JSON schema.
        opt parameters: Json,
    }
}

tagged! {
    /// A tool.
    pub enum Tool: "a tool" {
        /// Function.
        "function" => Function(FunctionTool),
    }
    untagged => Function
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::*;
    #[test]
    fn t() {
        let t: Tool = serde_json::from_str(r#"{"description":"d","x":[1],"type":"function","name":"n"}"#).unwrap();
        assert_eq!(t, FunctionTool::new("n").description("d").into());
        let t: Tool = serde_json::from_str(r#"{"name":"n"}"#).unwrap();
        assert_eq!(t, FunctionTool::new("n").into());
        let raw = r#"{"name":"n","big":1e400,"type":"other","z":{}}"#;
        let t: Tool = serde_json::from_str(raw).unwrap();
        assert_eq!(serde_json::to_string(&t).unwrap(), r#"{"type":"other","name":"n","big":1e400,"z":{}}"#);
        let v: ServerVad = serde_json::from_str(r#"{"idle_timeout_ms":null}"#).unwrap();
        assert_eq!(serde_json::to_string(&v).unwrap(), r#"{"idle_timeout_ms":null}"#);
        assert_eq!(
            serde_json::to_string(&ServerVad::default().idle_timeout_ms(12)).unwrap(),
            r#"{"idle_timeout_ms":12}"#
        );
        assert_eq!(
            serde_json::to_string(&TurnDetection::from(ServerVad::default())).unwrap(),
            r#"{"type":"server_vad"}"#
        );
        use crate::event::*;
        let e =
            ServerEvent::decode(br#"{"type":"response.audio.delta","item_id":"i","content_index":1.0,"delta":"AAA="}"#);
        println!("{e:?} {}", size_of::<ServerEvent>());
        println!("{}", e.encode().to_str().unwrap());
        println!("{}", serde_json::to_string(&e).unwrap());
    }
}
