//! What would tie the worker to one platform has one place.

use super::{files_below, read};

#[test]
fn only_the_wasm_module_names_javascript_and_nobody_the_standard_clocks() {
    let javascript = ["wasm_bindgen", "js_sys", "web_sys", "gloo"];
    // They panic in Wasm.
    let clocks = ["std::time::", "Instant::now", "SystemTime"];
    for path in files_below("src", ".rs") {
        if path.starts_with("src/testing/") {
            continue;
        }
        let is_boundary = path.starts_with("src/edge/wasm/");
        let source = read(&path);
        for name in javascript {
            assert!(is_boundary || !source.contains(name), "{path} names {name}");
        }
        for name in clocks {
            assert!(!source.contains(name), "{path} names {name}");
        }
    }
}
