//! Releases of the official client, imported where they can be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::commands::diff;
use crate::commands::diff::decided;
use crate::spec::{Documents, Signatures};

/// A directory of this test, gone with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("xtask-wheels-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn import(source: &str, directory: &Path) -> Output {
    Command::new("python3")
        .arg("-B")
        .arg(root().join("xtask/importer"))
        .arg(source)
        .arg("--out")
        .arg(directory)
        .arg("--names")
        .arg(directory.join("names.json"))
        .output()
        .unwrap()
}

/// Imports a release beside the names that were given; `None` where the wheel or Python cannot be had.
fn release(version: &str, directory: &Path) -> Option<()> {
    let spec = root().join("crates/models/openapi");
    std::fs::copy(spec.join("names.json"), directory.join("names.json")).unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3, which reads the client's source, cannot be started");
        return None;
    }
    let output = import(version, directory);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("cannot be downloaded") {
        println!("skipped: {}", errors.trim());
        return None;
    }
    assert!(output.status.success(), "{errors}");
    Some(())
}

/// The documents of a directory, as they are before anything of them was decided by an earlier release.
fn documents(directory: &Path) -> Documents {
    for name in ["overrides.json", "sensitive.json"] {
        std::fs::copy(root().join("crates/models/openapi").join(name), directory.join(name)).unwrap();
    }
    let documents = Documents::read(directory).unwrap();
    assert!(documents.signatures == Signatures::default());
    documents
}

/// One test, since importing the newest release takes seconds and both halves need it.
#[test]
fn the_release_that_was_imported_gives_the_same_bytes_and_two_back_are_followed() {
    let spec = root().join("crates/models/openapi");
    let index: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(spec.join("index.json")).unwrap()).unwrap();
    let newest = Scratch::new("newest");
    if release(index["source"]["version"].as_str().unwrap(), &newest.0).is_none() {
        return;
    }
    let mut compared = 0;
    for entry in std::fs::read_dir(&newest.0).unwrap() {
        let path = entry.unwrap().path();
        let committed = std::fs::read_to_string(spec.join(path.file_name().unwrap())).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap() == committed, "{} differs", path.display());
        compared += 1;
    }
    assert!(compared > 40, "{compared} files");

    for (version, breaking, asked) in [("0.161.0", 0, "0.1.1"), ("0.158.0", 95, "0.2.0")] {
        let older = Scratch::new(version);
        if release(version, &older.0).is_none() {
            return;
        }
        let (old, signatures) = decided(documents(&older.0)).unwrap();
        let mut documents = documents(&newest.0);
        documents.signatures = signatures;
        let (new, _) = decided(documents).unwrap();
        let log = diff::compare(&old, &new);
        let added = log.changes.iter().any(|it| it.text == "added: operation metastores.undrop_metastore_by_id");
        assert!(added, "{}", log.render("0.1.0"));
        assert_eq!((log.breaking(), log.asks_for("0.1.0").as_str()), (breaking, asked), "{version}");
    }
}

#[test]
fn source_of_an_unknown_shape_is_refused() {
    let scratch = Scratch::new("shape");
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3, which reads the client's source, cannot be started");
        return;
    }
    let sdk = scratch.0.join("databricks/sdk");
    std::fs::create_dir_all(sdk.join("service")).unwrap();
    std::fs::create_dir_all(sdk.join("mixins")).unwrap();
    std::fs::write(sdk.join("version.py"), "__version__ = \"9.9.9\"\n").unwrap();
    std::fs::write(sdk.join("__init__.py"), "").unwrap();
    let service = |statement: &str| {
        let text = format!(
            "class RoomsAPI:\n    def __init__(self, api_client):\n        self._api = api_client\n\n    def paint(self, room_id: str):\n        \
             {statement}\n        self._api.do(\"POST\", f\"/api/2.0/rooms/{{room_id}}\")\n"
        );
        std::fs::write(sdk.join("service/rooms.py"), text).unwrap();
        let output = import(scratch.0.to_str().unwrap(), &scratch.0.join("out"));
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = service("self.colour = room_id");
    assert!(error.contains("rooms.RoomsAPI.paint: self.colour = room_id"), "{error}");
    // The same without it is refused for another reason alone: the hand-written requests are not there.
    let error = service("query = {}");
    assert!(error.contains("a hand-written request is gone") && !error.contains("paint"), "{error}");
    assert!(!scratch.0.join("out").join("rooms.json").exists(), "nothing is written");
    let error = String::from_utf8_lossy(&import("next", &scratch.0.join("out")).stderr).into_owned();
    assert!(error.contains("neither a file, a directory nor a version"), "{error}");
}
