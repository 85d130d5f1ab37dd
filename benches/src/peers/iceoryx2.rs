//! iceoryx2: request and response in shared memory, without the kernel. Here both sides look again and again, and each keeps a
//! core busy also while there is nothing to do: the ceiling for latency, and another trade. Values are plain memory, not
//! serde's; whoever may open the shared memory may write it.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use iceoryx2::port::client::Client as Port;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::PortFactory as _;
use iceoryx2::service::port_factory::request_response::PortFactory;

use super::{Caller, Peer};
use crate::Outcome;
use crate::command::{Command, Daemon, Response};

/// A tag and the numbers.
type Request = [u64; 3];
type Reply = [u64; 2];
type Exchange = PortFactory<ipc::Service, Request, (), Reply, ()>;

const PATIENCE: Duration = Duration::from_secs(1);

/// How often the other side is looked for between two looks at the clock.
const LOOKS: u32 = 10_000;

fn open(path: &str) -> Outcome<Exchange> {
    set_log_level(LogLevel::Fatal);
    let node = NodeBuilder::new().create::<ipc::Service>()?;
    Ok(node.service_builder(&path.try_into()?).request_response::<Request, Reply>().open_or_create()?)
}

pub(crate) const KEPT: Peer = Peer {
    name: "iceoryx2, busy polling",
    serve: |path| {
        let service = open(path)?;
        let server = service.server_builder().create()?;
        let mut daemon = Daemon::default();
        while !daemon.stopping {
            let Some(request) = server.receive()? else {
                spin_loop();
                continue;
            };
            let command = match *request {
                [0, a, b] => Command::Add { a, b },
                _ => Command::Stop,
            };
            let reply = match daemon.execute(command) {
                Response::Sum(sum) => [0, sum],
                Response::Stopping => [1, 0],
            };
            request.loan_uninit()?.write_payload(reply).send()?;
        }
        // Its memory goes with it, and the client has yet to read the last reply.
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    },
    connect: |path| {
        let service = open(path)?;
        let port = service.client_builder().create()?;
        if service.dynamic_config().number_of_servers() == 0 {
            return Err("nobody serves yet".into());
        }
        Ok(Box::new(Client { port, _service: service }))
    },
};

struct Client {
    port: Port<ipc::Service, Request, (), Reply, ()>,
    _service: Exchange,
}

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        let request = match command {
            Command::Add { a, b } => [0, a, b],
            Command::Stop => [1, 0, 0],
        };
        let pending = self.port.loan_uninit()?.write_payload(request).send()?;
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            for _ in 0..LOOKS {
                if let Some(reply) = pending.receive()? {
                    return Ok(match *reply {
                        [0, sum] => Response::Sum(sum),
                        _ => Response::Stopping,
                    });
                }
                spin_loop();
            }
        }
        Err("no reply".into())
    }
}
