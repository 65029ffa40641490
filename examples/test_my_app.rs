//! An application and its tests: the one to copy. No network, no key, no waiting.
//!
//! `cargo run --example test_my_app` takes an order; `cargo test --example test_my_app` tests it.

use std::{error::Error, sync::mpsc};

use realtime::{
    Client,
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

/// The application: answers what a guest says, and passes orders on to the kitchen. It is given a client, so a test can
/// choose where that leads to.
async fn serve_guest(client: &Client, kitchen: mpsc::Sender<Order>, wish: &str) -> Result<String, Box<dyn Error>> {
    let order = async move |order: Order| match order.count {
        0..=10 => kitchen.send(order).map(|()| "it takes twenty minutes").map_err(|_| "the kitchen is closed"),
        _ => Err("the kitchen cannot make more than ten"),
    };
    let model = client.realtime().model("gpt-realtime-2.1");
    model
        .run(async |connection| {
            connection.use_tools(Tools::new().add("order", "Orders a dish.", order))?;
            connection.session().update(RealtimeSessionConfig::default().output_modalities([Modality::Text]))?;
            drop(connection.respond(wish).await?);
            // The first answer that calls no function.
            while let Some(event) = connection.next().await {
                if let ServerEvent::ResponseOutputTextDone(done) = event? {
                    return Ok(done.text);
                }
            }
            Err("the connection ended without an answer".into())
        })
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let served = realtime::mock::Simulator::new().serve()?; // or leave `base_url` out, for the real service
    let client = realtime::client().env().base_url(served.base_url()).build();
    let (kitchen, orders) = mpsc::channel();
    println!("{}", serve_guest(&client, kitchen, "Two soups, please.").await?);
    println!("{} orders", orders.try_iter().count());
    Ok(())
}

#[cfg(test)]
mod tests {
    use realtime::mock::{Reply, Simulator, VirtualClock};

    use super::*;

    /// Serves a guest with this key, by a model that orders so many soups and says what the kitchen has answered.
    fn serve(key: &str, count: u32) -> (Result<String, Box<dyn Error>>, Vec<Order>) {
        let simulator = Simulator::new().key("sk-right").answer(move |turn| match turn.output() {
            None => Reply::call("order", format!(r#"{{"dish":"soup","count":{count}}}"#)),
            Some((_, output)) => Reply::text(format!("The kitchen says: {output}")),
        });
        let (clock, (kitchen, orders)) = (VirtualClock::new(), mpsc::channel());
        let client = Client::builder(simulator.transport(&clock)).api_key(key).build();
        let said = clock.block_on(serve_guest(&client, kitchen, "Soup, please."));
        (said, orders.try_iter().collect())
    }

    #[test]
    fn an_order_reaches_the_kitchen() {
        let (said, orders) = serve("sk-right", 2);
        assert_eq!(said.unwrap(), "The kitchen says: it takes twenty minutes");
        assert_eq!(orders, [Order { dish: "soup".into(), count: 2 }]);
    }

    #[test]
    fn a_refusal_of_the_kitchen_is_told_to_the_guest() {
        let (said, orders) = serve("sk-right", 11);
        assert!(said.unwrap().contains("cannot make more than ten"));
        assert_eq!(orders, []);
    }

    #[test]
    fn a_key_that_the_service_refuses_is_an_error_and_no_order() {
        let (said, orders) = serve("sk-wrong", 2);
        assert!(said.unwrap_err().to_string().contains("Incorrect API key"));
        assert_eq!(orders, []);
    }
}
