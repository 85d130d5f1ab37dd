//! What must not compile does not, and for the right reason: stable rustdoc runs `compile_fail` doctests, but does not look
//! at the error code that they name.

use crate::project::Project;

const PREAMBLE: &str = "
    #![allow(unused)]
    use ipc_server::connection::{Accepted, Asked, Asking, Buffers, Connection, Processed, Read, Replied, Transport};
    use ipc_server::{IpcServer, IpcServerCommand};
    fn main() {}
";

/// The name, what is in the function's body or beside it, and the error code; none if it must compile.
const PROGRAMS: &[(&str, &str, Option<&str>)] = &[
    (
        "in_order",
        "fn f<C: IpcServerCommand<Context<'static> = ()>, T: Transport>(read: Connection<'_, Read<C>, T>) {
            if let Ok(processed) = read.process(&mut ()) { processed.send(); }
        }",
        None,
    ),
    (
        "reply_before_process",
        "fn f<C: IpcServerCommand, T: Transport>(read: Connection<'_, Read<C>, T>) { read.send(); }",
        Some("E0599"),
    ),
    (
        "process_before_read",
        "fn f<T: Transport>(accepted: Connection<'_, Accepted, T>) { accepted.process(&mut ()); }",
        Some("E0599"),
    ),
    (
        "reply_before_read",
        "fn f<T: Transport>(accepted: Connection<'_, Accepted, T>) { accepted.send(); }",
        Some("E0599"),
    ),
    (
        "read_after_reply",
        "fn f<C: IpcServerCommand, T: Transport>(replied: Connection<'_, Replied, T>) { replied.receive::<C>(); }",
        Some("E0599"),
    ),
    (
        "read_ahead_after_reply",
        "fn f<C: IpcServerCommand, T: Transport>(replied: Connection<'_, Replied, T>) { replied.read_ahead::<C>(); }",
        Some("E0599"),
    ),
    (
        "process_twice",
        "fn f<T: Transport>(processed: Connection<'_, Processed, T>) { processed.process(&mut ()); }",
        Some("E0599"),
    ),
    (
        "use_after_transition",
        "fn f<C: IpcServerCommand, T: Transport>(a: Connection<'_, Accepted, T>) { a.receive::<C>(); a.receive::<C>(); }",
        Some("E0382"),
    ),
    (
        "response_before_command",
        "fn f<C: IpcServerCommand, T: Transport>(asking: Connection<'_, Asking<C>, T>) { asking.receive_response(); }",
        Some("E0599"),
    ),
    (
        "command_sent_twice",
        "fn f<C: IpcServerCommand, T: Transport>(asked: Connection<'_, Asked<C>, T>) { asked.send_command(); }",
        Some("E0599"),
    ),
    (
        "client_that_processes",
        "fn f<C: IpcServerCommand, T: Transport>(asked: Connection<'_, Asked<C>, T>) { asked.process(&mut ()); }",
        Some("E0599"),
    ),
    ("foreign_state", "struct Mine; impl ipc_server::connection::State for Mine {}", Some("E0277")),
    ("forged_state", "fn f() { let forged = Replied {}; }", Some("E0639")),
];

#[test]
fn a_wrong_order_does_not_compile_and_for_that_reason() {
    let project = Project::new("typestate", "");
    for (name, source, _) in PROGRAMS {
        project.program(name, &format!("{PREAMBLE}{source}"));
    }
    let checked = project
        .cargo()
        .args(["check", "--offline", "--keep-going", "--bins", "--message-format=json"])
        .output()
        .unwrap();
    let messages = String::from_utf8(checked.stdout).unwrap();
    for (name, _, expected) in PROGRAMS {
        let errors: Vec<&str> = messages
            .lines()
            .filter(|line| {
                line.contains("\"reason\":\"compiler-message\"")
                    && line.contains(&format!("\"name\":\"{name}\""))
                    && line.contains("\"level\":\"error\"")
            })
            .collect();
        match expected {
            None => assert!(errors.is_empty(), "{name}: {errors:#?}"),
            Some(code) => {
                let wanted = format!("\"code\":{{\"code\":\"{code}\"");
                assert!(errors.iter().any(|line| line.contains(&wanted)), "{name} must fail with {code}: {errors:#?}");
                let others = errors.iter().filter(|line| !line.contains(&wanted) && line.contains("\"code\":{"));
                assert_eq!(others.count(), 0, "{name} fails for another reason too: {errors:#?}");
            }
        }
    }
}

#[test]
fn capacities_that_cannot_work_do_not_compile_and_the_message_says_why() {
    let project = Project::new("capacities", "");
    let programs = [
        ("no_capacity", "Buffers::<0>::new();", "a capacity of 0 bytes can hold no message"),
        (
            "no_connections",
            "fn bind<C: IpcServerCommand>() { let _ = IpcServer::<C>::builder().connections::<0>().bind(\"s\"); }
             bind::<Command>();",
            "a server needs room for a connection that waits: at least 1",
        ),
    ];
    for (name, body, _) in programs {
        let source = format!(
            "use ipc_server::{{IpcServer, IpcServerCommand, connection::Buffers}};
            #[derive(serde::Serialize, serde::Deserialize, Debug)] struct Command(u8);
            impl IpcServerCommand for Command {{
                type Response = u8;
                type Context<'a> = ();
                fn process(self, _: &mut Self::Context<'_>) -> u8 {{ self.0 }}
            }}
            fn main() {{ {body} }}"
        );
        project.program(name, &source);
    }
    fs_append(&project.path("Cargo.toml"), "serde = { version = \"1\", features = [\"derive\"] }\n");
    // Constants are evaluated when code is generated, so `check` would not do.
    let built = project.cargo().args(["build", "--offline", "--keep-going", "--bins"]).output().unwrap();
    let errors = String::from_utf8(built.stderr).unwrap();
    assert!(!built.status.success());
    for (name, _, message) in programs {
        assert!(errors.contains(message), "{name}: {errors}");
    }
}

fn fs_append(path: &std::path::Path, text: &str) {
    let mut content = std::fs::read_to_string(path).unwrap();
    content.push_str(text);
    std::fs::write(path, content).unwrap();
}
