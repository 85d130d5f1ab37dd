//! Links with nothing: no C library, no start files, no dynamic linker. What is missing is then an error.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // On a bare-metal target there is nothing to leave out.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        for argument in ["-nostdlib", "-nostartfiles", "-static", "-no-pie", "-Wl,--build-id=none"] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}
