//! Whoever has the package only, as docs.rs and an offline reader do, finds what its pages send him to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What begins a path from the repository's root.
const ROOTS: [&str; 7] = [".ci/", "benches/", "docs/", "examples/", "fuzz/", "src/", "tests/"];

/// The paths that a page names in backticks or as the target of a link. A link to the repository is none.
fn named(page: &str) -> impl Iterator<Item = &str> {
    let is_path = |word: &&str| ROOTS.iter().any(|root| word.starts_with(root)) && !word.contains(char::is_whitespace);
    let quoted = page.split('`').skip(1).step_by(2);
    let linked = page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    // The reader's own program has the first.
    let paths = quoted.chain(linked).filter(is_path).map(|path| path.trim_end_matches('/'));
    paths.filter(|path| *path != "src/main.rs")
}

#[test]
fn every_file_that_readme_and_guide_name_is_in_the_package_or_in_the_linked_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let packaged: BTreeSet<&str> = listed.lines().collect();
    let pages = packaged.iter().filter(|file| {
        **file == "README.md" || file.starts_with("docs/") || file.starts_with("src/guide/") || **file == "src/lib.rs"
    });
    for page in pages {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let to_repository = |path: &str| text.contains(&format!("ipc-server/blob/HEAD/{path}"));
        for path in named(&text) {
            let is_here = packaged.iter().any(|file| {
                file.strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with(".rs"))
            });
            assert!(is_here || to_repository(path), "{page} names {path}, which is not in the package");
        }
    }
}
