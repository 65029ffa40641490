//! An application and its tests: the one to copy. No network, no key, no waiting.
//!
//! `cargo run --example test_my_app` takes an order; `cargo test --example test_my_app` tests it.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use realtime::{
    Client, Connection, Realtime,
    event::ServerEvent,
    tools::Tools,
    types::{Modality, RealtimeSessionConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// What the kitchen is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
struct Order {
    /// The dish, as the menu has it.
    dish: String,
    /// How many of it.
    count: u32,
}

/// The part of the application that a test replaces or looks into.
type Kitchen = Arc<Mutex<Vec<Order>>>;

/// The application: answers what a guest says, and passes orders on. It is given a client, so a test can choose where
/// that leads to.
async fn serve_guest(client: &Client, kitchen: &Kitchen, wish: &str) -> Result<String, Box<dyn Error>> {
    client
        .realtime()
        .model("gpt-realtime-2.1")
        .run(async |connection| {
            let kitchen = kitchen.clone();
            connection.use_tools(Tools::new().add("order", "Orders a dish.", async move |order: Order| {
                if order.count > 10 {
                    return Err("the kitchen cannot make more than ten");
                }
                kitchen.lock().unwrap_or_else(PoisonError::into_inner).push(order);
                Ok("it takes twenty minutes")
            }))?;
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            drop(connection.respond(wish).await?);
            answer(connection).await
        })
        .await
}

/// The first answer that calls no function.
async fn answer(connection: &Connection<Realtime>) -> Result<String, Box<dyn Error>> {
    while let Some(event) = connection.next().await {
        if let ServerEvent::ResponseOutputTextDone(done) = event? {
            return Ok(done.text);
        }
    }
    Err("the connection ended without an answer".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let served = realtime::mock::Simulator::new().serve()?; // or leave `base_url` out, for the real service
    let client = realtime::client().env().base_url(served.base_url()).build();
    println!("{}", serve_guest(&client, &Kitchen::default(), "Two soups, please.").await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use realtime::mock::{Reply, Simulator, VirtualClock};

    use super::*;

    /// A model that orders so many soups, and says what the kitchen has answered.
    fn simulator(count: u32) -> Simulator {
        Simulator::new().answer(move |turn| match turn.output() {
            None => Reply::call("order", format!(r#"{{"dish":"soup","count":{count}}}"#)),
            Some((_, output)) => Reply::text(format!("The kitchen says: {output}")),
        })
    }

    #[test]
    fn an_order_reaches_the_kitchen() {
        let (clock, kitchen) = (VirtualClock::new(), Kitchen::default());
        let client = Client::builder(simulator(2).transport(&clock)).build();
        let said = clock.block_on(serve_guest(&client, &kitchen, "Two soups, please.")).unwrap();
        assert_eq!(said, "The kitchen says: it takes twenty minutes");
        assert_eq!(*kitchen.lock().unwrap(), [Order { dish: "soup".into(), count: 2 }]);
    }

    #[test]
    fn a_refusal_of_the_kitchen_is_told_to_the_guest() {
        let (clock, kitchen) = (VirtualClock::new(), Kitchen::default());
        let client = Client::builder(simulator(11).transport(&clock)).build();
        let said = clock.block_on(serve_guest(&client, &kitchen, "Eleven soups, please.")).unwrap();
        assert!(said.contains("cannot make more than ten"), "{said}");
        assert!(kitchen.lock().unwrap().is_empty());
    }

    #[test]
    fn a_key_that_the_service_refuses_is_an_error_and_no_order() {
        let (clock, kitchen) = (VirtualClock::new(), Kitchen::default());
        let client = Client::builder(simulator(2).key("sk-right").transport(&clock)).api_key("sk-wrong").build();
        let error = clock.block_on(serve_guest(&client, &kitchen, "Two soups, please.")).unwrap_err();
        assert!(error.to_string().contains("Incorrect API key"), "{error}");
        assert!(kitchen.lock().unwrap().is_empty());
    }
}
