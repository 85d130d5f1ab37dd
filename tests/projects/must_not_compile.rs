//! What must not compile does not, and for the right reason: each program of `must_not_compile/` says in a comment at the line
//! with what code and words; one without comments must compile.
//!
//! Stable rustdoc runs `compile_fail` doctests, but does not look at the code that they name. Whole messages, as trybuild
//! compares them, differ from one compiler to the next.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::project::{Project, SERDE};

/// What `//~ CODE: words` expects in its line.
#[derive(Debug)]
struct Expected {
    line: u64,
    code: String,
    words: String,
}

/// What the compiler says. Where an error is in this crate, as that of a constant is, there is no line.
#[derive(Debug)]
struct Error {
    line: Option<u64>,
    code: String,
    text: String,
}

/// The programs of a directory by their names.
fn programs(directory: &str) -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/must_not_compile").join(directory);
    let files = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(file).unwrap()))
        .collect()
}

fn expected(source: &str) -> Vec<Expected> {
    let comments = (1..).zip(source.lines()).filter_map(|(line, text)| Some((line, text.split_once("//~ ")?.1)));
    let split = comments.map(|(line, comment)| (line, comment.split_once(": ").unwrap()));
    split.map(|(line, (code, words))| Expected { line, code: code.to_owned(), words: words.to_owned() }).collect()
}

/// The errors of each program. All are compiled together, once.
static ERRORS: LazyLock<BTreeMap<String, Vec<Error>>> = LazyLock::new(|| {
    let project = Project::new("must-not-compile", SERDE);
    for (name, source) in ["order", "capacity", "handler"].into_iter().flat_map(programs) {
        project.program(&name, &source);
    }
    // Constants are evaluated when code is generated, so `check` would not do.
    let mut cargo = project.cargo();
    let built = cargo.args(["build", "--offline", "--keep-going", "--bins", "--message-format=json"]).output().unwrap();
    let mut errors: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in String::from_utf8(built.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        let error = &message["message"];
        match (message["reason"].as_str(), error["level"].as_str(), error["code"]["code"].as_str()) {
            (Some("compiler-artifact"), ..) => drop(errors.entry(name).or_default()),
            (Some("compiler-message"), Some("error"), Some(code)) => {
                let spans = error["spans"].as_array().unwrap();
                let primary = spans.iter().find(|span| span["is_primary"] == true);
                let own = primary.filter(|span| span["file_name"].as_str().unwrap().starts_with("src/bin"));
                let line = own.and_then(|span| span["line_start"].as_u64());
                let text = error["rendered"].as_str().unwrap().to_owned();
                errors.entry(name).or_default().push(Error { line, code: code.to_owned(), text });
            }
            _ => {}
        }
    }
    errors
});

/// Each program has the errors that it expects and no other.
fn hold(directory: &str) {
    for (name, source) in programs(directory) {
        let expected = expected(&source);
        let errors = ERRORS.get(&name).unwrap_or_else(|| panic!("{name} was not compiled"));
        let is = |error: &Error, expected: &Expected| {
            expected.code == error.code
                && error.text.contains(&expected.words)
                && error.line.is_none_or(|line| line == expected.line)
        };
        for wanted in &expected {
            assert!(errors.iter().any(|error| is(error, wanted)), "{name} has not {wanted:#?}: {errors:#?}");
        }
        for error in errors {
            assert!(expected.iter().any(|wanted| is(error, wanted)), "{name} fails for another reason: {error:#?}");
        }
    }
}

#[test]
fn a_wrong_order_does_not_compile_and_for_that_reason() {
    hold("order");
}

#[test]
fn capacities_that_cannot_work_do_not_compile_and_the_message_says_why() {
    hold("capacity");
}

#[test]
fn a_handler_without_the_answer_and_a_wrong_context_do_not_compile() {
    hold("handler");
}
