//! Types, daemon and client in crates of their own.

use std::fs;

use crate::example::Background;
use crate::project::{Project, SERDE};

const TYPES: &str = r#"
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub enum Command { Get, Set(u8) }

impl ipc_server::Request for Command {
    type Response = u8;
}
"#;

const DAEMON: &str = r#"
use ipc_server::{Caller, Handler, IpcServer};
use types::Command;

struct Daemon(u8);

impl Handler<Command> for Daemon {
    fn handle(&mut self, command: Command, _: Caller) -> u8 {
        if let Command::Set(level) = command { self.0 = level; }
        self.0
    }
}

fn main() {
    let mut server = IpcServer::<Command>::new("daemon.sock").unwrap();
    let mut daemon = Daemon(3);
    loop {
        server.wait(None).unwrap();
        server.serve(&mut daemon).unwrap();
    }
}
"#;

const CLIENT: &str = r#"
use types::Command;

fn main() {
    let mut client = ipc_server::Client::connect("daemon.sock").unwrap();
    println!("{}", client.call(&Command::Set(5)).unwrap());
    println!("{}", client.call(&Command::Get).unwrap());
}
"#;

#[test]
fn types_daemon_and_client_are_crates_of_their_own() {
    let project = Project::new("client", "types = { path = \"types\" }");
    project.program("client", CLIENT);
    let root = env!("CARGO_MANIFEST_DIR");
    for (name, file, source, more) in [
        ("types", "lib.rs", TYPES, format!("ipc-server = {{ path = {root:?}, default-features = false }}\n{SERDE}")),
        ("daemon", "main.rs", DAEMON, format!("ipc-server = {{ path = {root:?} }}\ntypes = {{ path = \"../types\" }}")),
    ] {
        let package = project.path(name);
        fs::create_dir_all(package.join("src")).unwrap();
        fs::write(package.join("src").join(file), source).unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2021\"\n\n[dependencies]\n{more}\n");
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
    }
    let manifest = fs::read_to_string(project.path("Cargo.toml")).unwrap();
    let members = "[workspace]\nmembers = [\"types\", \"daemon\"]";
    fs::write(project.path("Cargo.toml"), manifest.replace("[workspace]", members)).unwrap();
    let built = project.cargo().args(["build", "--quiet", "--offline", "--workspace"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(built.stderr.is_empty(), "it warns: {}", String::from_utf8_lossy(&built.stderr));

    let tree = project.cargo().args(["tree", "--offline", "--prefix", "none", "-p", "client"]).output().unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("types v") && !tree.contains("daemon v"), "{tree}");

    let socket = project.path("daemon.sock");
    let _daemon = Background::start(&mut project.built("daemon")).until_listening(socket.to_str().unwrap());
    let client = project.built("client").output().unwrap();
    assert_eq!(String::from_utf8(client.stdout).unwrap(), "5\n5\n");
}
