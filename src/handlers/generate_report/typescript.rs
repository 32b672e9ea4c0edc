//! What callers in TypeScript see of this job type; `src/typescript.rs` asks for it.

use ts_rs::TS;

use super::input;
use crate::report::Report;
use crate::testing::typescript::Declarations;

/// What forms may also send as a number.
#[derive(TS)]
#[ts(untagged)]
#[expect(dead_code, reason = "stands for a shape")]
pub(super) enum TextOrNumber {
    Text(String),
    Number(f64),
}

/// A list for which a single text may stand.
#[derive(TS)]
#[ts(untagged)]
#[expect(dead_code, reason = "stands for a shape")]
pub(super) enum TextOrTexts {
    Text(String),
    Texts(Vec<String>),
}

/// The types of input and output, and what they are made of.
pub fn declare(declarations: &mut Declarations) {
    declarations.add::<input::Input>();
    declarations.add::<Report>();
}
