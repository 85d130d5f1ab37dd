//! Completions for shells, from the running daemon.

use std::path::Path;
use std::time::Duration;

use crate::failure::Failure;
use crate::value::Clean;
use crate::{daemon, print, words};

/// How long a daemon may take to answer while its operator waits for a completion.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints the words that may stand in place of the last one, which may have been begun. What goes wrong is nobody's business.
pub(crate) fn complete(line: &[String]) -> Result<u8, Failure> {
    let Some((begun, mut before)) = line.split_last() else { return Ok(0) };
    // Our own options.
    while let Some((word, rest)) = before.split_first().filter(|(word, _)| word.starts_with("--")) {
        before = if word == "--timeout" { rest.get(1..).unwrap_or_default() } else { rest };
    }
    // The socket is for the shell to complete.
    let Some((socket, words)) = before.split_first() else { return Ok(0) };
    let Ok(daemon) = daemon::connect(Path::new(socket), PATIENCE) else { return Ok(0) };
    let following = words::following(daemon.commands().root(), words);
    let fitting = following.iter().filter(|word| word.starts_with(begun.as_str()));
    let lines: String = fitting.map(|word| format!("{}\n", Clean(word))).collect();
    print(&lines)?;
    Ok(0)
}

const BASH: &str = r#"_ipcctl() {
    local IFS=$'\n'
    COMPREPLY=($(ipcctl complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o bashdefault -o default -F _ipcctl ipcctl
"#;

const ZSH: &str = r#"#compdef ipcctl
_ipcctl() {
    local -a found
    found=(${(f)"$(ipcctl complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
compdef _ipcctl ipcctl
"#;

const FISH: &str = r#"complete -c ipcctl -n 'test (count (commandline -opc)) -gt 1' -f -a '(ipcctl complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"#;

/// Prints the script for a shell.
pub(crate) fn script(words: &[String]) -> Result<u8, Failure> {
    let script = match words {
        [shell] if shell == "bash" => BASH,
        [shell] if shell == "zsh" => ZSH,
        [shell] if shell == "fish" => FISH,
        _ => return Err(Failure::usage("a shell is wanted: ipcctl completions bash, zsh or fish")),
    };
    print(script)?;
    Ok(0)
}
