// What the examples of the guide leave out: a daemon with one number, and a client that sets it to 5.
#[allow(unused_imports)]
pub use ipc_server::{IpcServer, IpcServerCommand};

#[derive(serde::Serialize, serde::Deserialize, Debug)]
#[allow(dead_code)]
pub enum Command {
    GetLevel,
    SetLevel(u8),
}

impl IpcServerCommand for Command {
    type Response = u8;
    type Context<'a> = &'a mut u8;

    fn process(self, level: &mut Self::Context<'_>) -> u8 {
        if let Self::SetLevel(new) = self {
            **level = new;
        }
        **level
    }
}

#[allow(dead_code)]
pub fn server_and_client() -> (IpcServer<Command>, std::thread::JoinHandle<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("daemon.sock");
    let server = IpcServer::<Command>::builder().bind(&path).unwrap();
    let client = std::thread::spawn(move || {
        let level = ipc_server::call(&Command::SetLevel(5), &path).unwrap();
        drop(directory);
        level
    });
    (server, client)
}
