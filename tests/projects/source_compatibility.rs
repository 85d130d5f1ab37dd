//! The published crate's own example, unchanged, compiles and runs against this crate.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::project::{Project, SERDE};

/// The example's source, where cargo keeps the published package.
fn published_example() -> String {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    let manifest = metadata
        .split('"')
        .find(|text| text.ends_with("ipc-server-0.3.2/Cargo.toml"))
        .expect("the published package is a dev-dependency");
    fs::read_to_string(manifest.replace("Cargo.toml", "examples/simple/simple.rs")).unwrap()
}

#[test]
fn the_published_example_compiles_unchanged_and_runs() {
    let clap = "clap = { version = \"4\", features = [\"derive\"] }";
    let project = Project::new("published-example", &format!("{clap}\n{SERDE}"));
    project.program("published-example", &published_example());
    let built = project.cargo().args(["build", "--quiet", "--offline"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let mut server = project.built("published-example").arg("server").stdout(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !project.path("ipc-server.sock").exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "the server did not start");
        thread::sleep(Duration::from_millis(5));
    }
    let client = |arguments: &[&str]| {
        let output = project.built("published-example").arg("client").args(arguments).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let quiet = String::new();
    let printed = client(&["print", "cavemanloverboy was here"]);
    let added = client(&["add", "5", "3"]);
    let pushed = client(&["push", "69"]);
    server.kill().unwrap();
    let output = server.wait_with_output().unwrap();
    assert_eq!(
        printed,
        (
            "sent command: Print { payload: \"cavemanloverboy was here\" }\nreceived response: PrintAck\n".to_owned(),
            quiet.clone()
        )
    );
    assert_eq!(
        added,
        ("sent command: Add { a: 5, b: 3 }\nreceived response: Add { c: 8 }\n".to_owned(), quiet.clone())
    );
    assert_eq!(pushed, ("sent command: Push { x: 69 }\nreceived response: Push { x: 69 }\n".to_owned(), quiet));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "Print command received: cavemanloverboy was here\nAdd command received: 5 + 3 = 8\nPush command received: 69\n"
    );
}
