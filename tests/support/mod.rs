//! What the tests over real sockets share.

#![allow(dead_code, unused_imports, unused_macros, reason = "every test program uses a part")]

pub(crate) mod authority;
pub(crate) mod relay;
pub(crate) mod server;

use std::error::Error as _;

use realtime::{ErrorKind, transport::TransportError};

/// A test for every runtime that is compiled in: an async function over its [`Runtime`](realtime::websocket::Runtime).
macro_rules! on_every_runtime {
    ($($name:ident)+) => {
        mod on_tokio {
            $(#[test]
            fn $name() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(super::$name::<realtime::tokio::Tokio>());
            })+
        }

        mod on_async_std {
            $(#[test]
            fn $name() {
                async_std::task::block_on(super::$name::<realtime::async_std::AsyncStd>());
            })+
        }

        mod on_smol {
            $(#[test]
            fn $name() {
                smol::block_on(super::$name::<realtime::smol::Smol>());
            })+
        }
    };
}
pub(crate) use on_every_runtime;

/// The transport's error within the connection's.
pub(crate) fn transport_error(error: &realtime::Error) -> &TransportError {
    match error.kind() {
        ErrorKind::Transport(error) => error,
        other => panic!("no error of the transport: {other:?}"),
    }
}

/// An error with all that caused it, as a user prints it.
pub(crate) fn tell(error: &realtime::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
