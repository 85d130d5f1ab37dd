//! tarpc: remote procedure calls for tokio, many at once on one connection, with deadlines, cancellation and tracing; here
//! over a Unix socket with its bincode transport, and a runtime of one thread on each side.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::select;
use tarpc::context::Context;
use tarpc::serde_transport::unix;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::{Caller, Peer};
use crate::Outcome;
use crate::command::{Command, Daemon, Response};

#[tarpc::service]
trait Exchange {
    async fn execute(command: Command) -> Response;
}

#[derive(Clone)]
struct Server {
    daemon: Arc<Mutex<Daemon>>,
    stopping: Arc<Notify>,
}

impl Exchange for Server {
    async fn execute(self, _: Context, command: Command) -> Response {
        let mut daemon = self.daemon.lock().unwrap_or_else(PoisonError::into_inner);
        let response = daemon.execute(command);
        if daemon.stopping {
            self.stopping.notify_one();
        }
        response
    }
}

pub(crate) const KEPT: Peer = Peer {
    name: "tarpc, kept",
    serve: |path| {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut incoming = unix::listen(path, Bincode::default).await?;
            let server = Server { daemon: Arc::default(), stopping: Arc::default() };
            let stopping = Arc::clone(&server.stopping);
            let serve = async {
                while let Some(Ok(transport)) = incoming.next().await {
                    let requests = BaseChannel::with_defaults(transport).execute(server.clone().serve());
                    tokio::spawn(requests.for_each(|response| async move {
                        tokio::spawn(response);
                    }));
                }
            };
            select(pin!(serve), pin!(stopping.notified())).await;
            // The last response still has to go out.
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        })
    },
    connect: |path| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(async {
            let transport = unix::connect(path, Bincode::default).await?;
            Ok::<_, std::io::Error>(ExchangeClient::new(client::Config::default(), transport).spawn())
        })?;
        Ok(Box::new(Client { runtime, client }))
    },
};

struct Client {
    runtime: Runtime,
    client: ExchangeClient,
}

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(self.runtime.block_on(self.client.execute(context::current(), command))?)
    }
}
