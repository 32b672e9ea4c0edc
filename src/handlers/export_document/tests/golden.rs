//! Whole visits as documents, compared with files that a person has read: `tests/reports/README.md`.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::json;

use super::world::{World, input, visit};

fn compare(name: &str, format: &str) {
    let mut input = input(format, visit(name));
    input["template"] = json!({
        "firm": "Alder & Finch Engineering Ltd.",
        "intent": "The review was to determine whether the work conforms in general to the drawings.",
        "limitations": "Only what could be seen from where the reviewer stood was reviewed.",
    });
    let world = World::new();
    world.run(input).expect("a document");
    let (file, _) = world.stored(&format!("out/visits/7/report.{format}"));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let path = folder.join(name).join(format!("document.{format}"));
    if env::var_os("WRITE_REPORTS").is_some() {
        fs::write(&path, file).expect("the file can be written");
        return;
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert!(
        file == expected,
        "{} differs: if that is as it should be, write the files anew (tests/reports/README.md)",
        path.display()
    );
}

#[test]
fn golden_documents_are_as_they_were_read() {
    for name in ["small", "grouped", "large"] {
        compare(name, "md");
    }
    compare("small", "html");
    compare("grouped", "html");
}
