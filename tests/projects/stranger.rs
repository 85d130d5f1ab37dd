//! What a stranger does who has nothing but the README: its dependency lines and its program make a daemon and a client.

use crate::example::Background;
use crate::project::Project;

const README: &str = include_str!("../../README.md");

/// The first code block of `language` after the heading "Use it".
fn block(language: &str) -> &'static str {
    let section = README.split("\n## Use it\n").nth(1).expect("the README has a section 'Use it'");
    let start = section.split(&format!("```{language}\n")).nth(1).expect(language);
    start.split("```").next().unwrap()
}

#[test]
fn the_program_of_the_readme_is_a_daemon_and_its_client() {
    // `Project` depends on this crate's sources in place of a version, and has the section already.
    let lines = block("toml").lines().filter(|line| *line != "[dependencies]" && !line.starts_with("ipc-server = "));
    let dependencies: Vec<_> = lines.collect();
    assert_eq!(dependencies.len(), 1, "serde and nothing else: {dependencies:?}");
    let project = Project::new("stranger", &dependencies.join("\n"));
    project.program("stranger", block("rust,no_run"));
    let built = project.cargo().args(["build", "--quiet", "--offline"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(built.stderr.is_empty(), "it warns: {}", String::from_utf8_lossy(&built.stderr));

    let early = project.built("stranger").output().unwrap();
    let message = "no socket is at the path: start the server, or correct the path\n";
    assert_eq!((early.status.code(), String::from_utf8(early.stderr).unwrap().as_str()), (Some(1), message));

    let socket = project.path("daemon.sock");
    let _daemon = Background::start(project.built("stranger").arg("daemon")).until_listening(socket.to_str().unwrap());
    let client = project.built("stranger").output().unwrap();
    assert_eq!(String::from_utf8(client.stdout).unwrap(), "Level(5)\nLevel(5)\n");
    assert!(client.status.success());
}
