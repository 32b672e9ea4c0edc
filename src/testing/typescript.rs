//! The types of jobs for callers in TypeScript, written from the ones here: `pkg-template/src/job_types.ts`.
//!
//! `cargo xtask types` writes the file; as a test, this fails when the file is not what it would write.

use std::collections::BTreeMap;
use std::path::Path;

use ts_rs::{Config, TS, TypeVisitor};

use crate::handlers;
use crate::job::Progress;

const FILE: &str = "pkg-template/src/job_types.ts";

/// Set by `cargo xtask types`.
const WRITE: &str = "WRITE_JOB_TYPES";

/// By the name of the type.
#[derive(Default)]
pub struct Declarations(BTreeMap<String, String>);

impl Declarations {
    /// Adds a type and all it is made of.
    pub fn add<T: TS + 'static + ?Sized>(&mut self) {
        let config = config();
        // Types of Rust itself are written where they are used.
        if T::output_path().is_none() || self.0.contains_key(&T::ident(&config)) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let text = format!("{docs}export {}\n", declaration::<T>());
        self.0.insert(T::ident(&config), text);
        T::visit_dependencies(self);
    }

    /// Adds a type that has none in Rust.
    pub fn add_text(&mut self, name: &str, docs: &str, declaration: String) {
        let text = format!("/**\n * {docs}\n */\nexport {declaration}\n");
        self.0.insert(name.to_owned(), text);
    }
}

/// A type's declaration, without what is said of it.
pub fn declaration<T: TS + ?Sized>() -> String {
    T::decl(&config())
}

fn config() -> Config {
    Config::new().with_large_int("number")
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        self.add::<T>();
    }
}

fn job_types() -> String {
    let mut declarations = Declarations::default();
    declarations.add::<Progress>();
    handlers::declare(&mut declarations);
    let declarations: Vec<String> = declarations.0.into_values().collect();
    format!("{HEAD}{}", declarations.join("\n"))
}

const HEAD: &str = r#"// Generated from the Rust types by `cargo xtask types`: change those, not this file.

/**
 * The job types and what each works on and makes. Add your own where your code says what they are, in a file that
 * imports: in one that does not, `declare module` would take the place of the package's own types.
 *
 * ```ts
 * import "pretium-queue";
 *
 * declare module "pretium-queue" {
 *   interface JobTypes {
 *     send_invoice: { input: { invoice_id: string }; output: { total: number } };
 *   }
 * }
 * ```
 */
export interface JobTypes {
  /** A field-review report from an engineer's notes and site photographs. */
  generate_report: { input: ReportInput; output: Report; progress: Progress };
  /** Shows that the queue works; the result is the input. */
  noop: { input: Record<string, unknown>; output: Record<string, unknown>; progress: Progress };
}

"#;

#[test]
fn the_types_of_the_npm_package_are_those_of_the_handlers() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let wanted = job_types();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, wanted).expect("a writable folder");
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{FILE} differs from the Rust types: run `cargo xtask types` and commit the result"
    );
}
