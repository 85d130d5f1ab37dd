//! Names of users.

use std::fs;

/// A user by name and number, as `/etc/passwd` has it.
pub(crate) fn user(uid: u32) -> String {
    match name(uid) {
        Some(name) => format!("user {name} ({uid})"),
        None => format!("user {uid}"),
    }
}

pub(crate) fn name(uid: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let uid = uid.to_string();
    let mut users = users.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid && !name.is_empty()).then(|| name.to_owned())
    })
}
