//! What happens when the daemon and its clients are built from different versions of your types.
//!
//! In a [session](crate::wire::session) both programs compare their types before a command is executed. If the types are the same,
//! nothing changes. If they differ, the daemon executes nothing and describes its types, and the client writes its commands
//! and reads the responses by name. What can't be said in the other version is an error that names both sides. No command is
//! ever taken for another.
//!
//! The client does all this. The daemon only tells its clients what its types look like.
//!
//! # The rules
//!
//! 1. Add variants anywhere.
//! 2. Add fields to responses freely.
//! 3. Add fields to commands as `Option`.
//! 4. Reorder variants and fields at will.
//! 5. Widen integers.
//! 6. Turn a field into an `Option` of it.
//! 7. Never rename a variant or a field. `#[serde(alias = "old")]` keeps an old name.
//! 8. Never give an old name another meaning: nothing but the name tells one meaning from another.
//! 9. Give fields names. Tuples, and variants such as `Limit(u32, u32)`, go by position.
//! 10. Let the variant that stops the daemon be a unit variant that is never renamed, such as `Stop`. It carries nothing that could
//!     change, so each client can stop each daemon, as long as it can read the response.
//!
//! # What each edit does
//!
//! The daemon's types were edited, and the client is old:
//!
//! | the edit | an old client's command | what an old client reads |
//! |---|---|---|
//! | variant added, anywhere | works | works, unless the daemon sends the new variant |
//! | variant removed | refused if it is that one | works |
//! | variant or field moved | works | works |
//! | field added | works if the new field is an `Option`, which is `None` then; else refused | works, the field is skipped |
//! | field removed | refused, unless the value is `None` | an error, unless the client's field is an `Option` or has `#[serde(default)]` |
//! | integer widened | works | works if the value fits |
//! | integer narrowed, or its sign changed | works if the value fits | works if the value fits |
//! | `f64` to `f32` | works if the value is exact | works |
//! | `T` to `Option<T>` | works | works, unless the value is `None` |
//! | `Option<T>` to `T` | works, unless the value is `None` | works |
//! | unit variant to one with fields | works if all its fields are `Option`s | works |
//! | element added to a tuple | refused | refused |
//! | variant or field renamed | refused | an error |
//! | renamed, with the old name as an alias | works | works if the client knows the new name, else an error |
//! | integer to text, to float or to anything else | refused | refused |
//! | name of a type, a type split into a module | nothing changes | nothing changes |
//!
//! A new client that asks an old daemon is the same, read the other way round: a field of the client that the daemon has not is
//! refused unless it is `None`, and a variant that the daemon has not is refused.
//!
//! *Refused* is known before the command is sent. An error when reading is known before the first command where no response could
//! ever be read; where it depends on the response, the command was executed, and the error says so.
//!
//! # See a change in review
//!
//! Four lines, once for the command and once for the response:
//!
//! ```
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # enum Command { GetLevel, SetLevel(u8) }
//! # macro_rules! include_str { ($path:literal) => { "enum Command { GetLevel, SetLevel(u8) }\n" }; }
//! # /*
//! #[test]
//! # */
//! fn the_commands_on_the_wire_are_the_stored_ones() {
//!     ipc_server::layout::snapshot::<Command>(include_str!("command.layout")).unwrap();
//! }
//! # the_commands_on_the_wire_are_the_stored_ones();
//! ```
//!
//! Begin with an empty file. The test fails and prints the text to store. From then on it fails with each edit that changes the
//! wire, says what becomes of old programs, and prints the new text:
//!
//! ```text
//! the layout is not the stored one:
//! - Command::SetLevel: the number got wider. Old programs' commands: understood; responses to them: some values are refused
//! If that is meant, store this:
//! enum Command { GetLevel, SetLevel(u16) }
//! ```
//!
//! [`layout::check`](crate::layout::check) is another line for that test. It finds types that are not read as they are written.
//!
//! # What the errors look like
//!
//! Say who your programs are, with [`ServerBuilder::program`](crate::ServerBuilder::program) and
//! [`ClientBuilder::program`](crate::ClientBuilder::program). The errors then name them. A client that knows more than its daemon:
//!
//! ```
//! mod old {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize)]
//!     pub enum Command { GetLevel, SetLevel(u8) }
//!     # impl ipc_server::Request for Command { type Response = u8; }
//! }
//! mod new {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize)]
//!     pub enum Command { SetColor(u8), SetLevel(u16), GetLevel }
//!     # impl ipc_server::Request for Command { type Response = u8; }
//! }
//! use ipc_server::{CallError, Caller, Client, IpcServer};
//! # use std::time::Duration;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//!
//! let mut daemon = IpcServer::<old::Command>::builder().program("fand 1.1.0").bind(&path)?;
//! # let client = std::thread::spawn(move || {
//! let mut client = Client::builder().program("fanctl 1.2.0").connect(&path)?;
//!
//! assert_eq!(client.call(&new::Command::SetLevel(5))?, 5, "variants go by name, numbers if they fit");
//!
//! let error = client.call(&new::Command::SetColor(1)).unwrap_err();
//! # assert!(matches!(error, CallError::NotCarried { .. }));
//! # let process = std::process::id();
//! # let error = error.to_string().replace(&format!("process {process}"), "process 314");
//! assert_eq!(
//!     error.to_string(),
//!     "the daemon (fand 1.1.0, process 314) is of another version (Command::SetColor: it has no such variant): \
//!      restart it, or use the client that came with it; nothing was sent"
//! );
//! # Ok::<(), CallError>(())
//! # });
//! # while !client.is_finished() {
//! #     daemon.wait(Some(Duration::from_millis(10)))?;
//! #     daemon.serve(&mut |command, _: Caller| if let old::Command::SetLevel(level) = command { level } else { 0 })?;
//! # }
//! # client.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | [`CallError`](crate::CallError) | what differs | was the command executed |
//! |---|---|---|
//! | [`NotCarried`](crate::CallError::NotCarried) | this command, or this value, can't be said in the daemon's version | no |
//! | [`NeverReadable`](crate::CallError::NeverReadable) | no response of the daemon can be read | no |
//! | [`Unreadable`](crate::CallError::Unreadable) | this response can't be read | yes |
//! | [`OtherCodec`](crate::CallError::OtherCodec) | the two speak different codecs | no |
//! | [`DescriptionTooLong`](crate::CallError::DescriptionTooLong) | the client lacks [room](crate::ClientBuilder::descriptions) for the daemon's description | no |
//!
//! In each case restart the daemon so that it runs the version that is installed, or use the client that came with it.
//!
//! # What it costs
//!
//! Programs of one version pay eight bytes for each command and response. Programs of two versions pay one more connection the first time
//! that a [`Client`](crate::Client) calls, and some microseconds for each value. The client stores the daemon's descriptions in 1,024
//! bytes of its own: about the length of all names, and three bytes for each field and variant.
//!
//! # What it does not do
//!
//! - It does not help on the [bare wire](super::upgrading). There, an edit that is not at the end of an enum is misread in silence.
//! - It does not fill in defaults in a command. The daemon's `#[serde(default)]` has no effect: make the field an `Option`.
//! - It compares form and not meaning. If `SetLevel` counted in percent and now counts in steps, give it another name.
