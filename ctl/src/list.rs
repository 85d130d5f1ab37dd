//! Which daemons there are.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::geteuid;
use serde_json::json;

use crate::daemon;
use crate::failure::{Failure, NO_DAEMON};
use crate::print;
use crate::value::Clean;

/// How deep below a directory sockets are looked for.
const DEPTH: usize = 2;

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lists the daemons below `directories`, or in the usual places.
pub(crate) fn list(directories: &[String], json: bool) -> Result<u8, Failure> {
    let mut places: Vec<PathBuf> = directories.iter().map(PathBuf::from).collect();
    if places.is_empty() {
        places.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
        // Not every system has the first.
        places.extend(["/run", "/var/run"].map(PathBuf::from).into_iter().find(|place| place.is_dir()));
        places.push(PathBuf::from("/tmp"));
    }
    let own = geteuid().as_raw();
    let mut sockets = Vec::new();
    for place in places {
        find(&place, own, DEPTH, &mut sockets);
    }
    sockets.sort();
    sockets.dedup();
    let mut status = NO_DAEMON;
    for socket in sockets {
        let answer = daemon::connect(&socket, PATIENCE);
        let path = socket.display().to_string();
        let line = match (&answer, json) {
            (Ok(daemon), false) => {
                let process = daemon.peer().pid.map_or_else(String::new, |pid| format!(", process {pid}"));
                format!("{}  {}{process}", Clean(&path), Clean(daemon.server().program()))
            }
            (Ok(daemon), true) => {
                json!({ "socket": path, "program": daemon.server().program(), "process": daemon.peer().pid })
                    .to_string()
            }
            (Err(Failure { message, .. }), false) => {
                let reason = message.strip_prefix(&path).unwrap_or(message);
                format!("{}  no answer{}", Clean(&path), Clean(reason))
            }
            (Err(Failure { message, .. }), true) => json!({ "socket": path, "error": message }).to_string(),
        };
        print(&format!("{line}\n"))?;
        if answer.is_ok() {
            status = 0;
        }
    }
    Ok(status)
}

/// Adds the sockets below `directory` that a server of ipc-server 0.4 or later has bound: it has a lock file beside them. No
/// other socket is touched, since whoever listens there may take a hello for something else.
fn find(directory: &Path, own: u32, depth: usize, sockets: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(directory).into_iter().flatten();
    for entry in entries.filter_map(io::Result::ok) {
        let (path, Ok(file)) = (entry.path(), entry.metadata()) else { continue };
        if file.is_dir() && depth > 0 {
            find(&path, own, depth - 1, sockets);
        }
        let mut lock = path.clone().into_os_string();
        lock.push(".lock");
        // Root looks at the daemons of all.
        let is_ours = own == 0 || own == file.uid();
        if file.file_type().is_socket() && is_ours && Path::new(&lock).is_file() {
            sockets.push(path);
        }
    }
}
