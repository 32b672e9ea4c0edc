//! Whatever may come.

mod runner;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

pub use self::runner::fuzz;

/// What `work` comes to; it takes no longer than a request may keep an isolate busy.
pub fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    done
}

/// Never in anything that is told.
pub const SECRET: &str = "sb_secret_neverToBeTold0123";
/// What was written by a model or a user, and has no place in an error.
pub const PAYLOAD: &str = "The lap at grid C4 is open";
/// The last numbers of their kinds, and the first beyond.
const EDGES: &[u64] = &[
    0,
    1,
    255,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    u64::MAX / 2,
    u64::MAX,
];

/// A text of any kind: secrets, payloads, NUL, words that mean something somewhere.
pub fn any_text() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "", "error", "stop", "length", "held", "lost", "queued", "p1", "n1", "o1", "\0", "👷",
        "1e999",
    ];
    prop_oneof![
        prop::sample::select(WORDS).prop_map(str::to_owned),
        any::<String>(),
        Just(format!("x {SECRET} x")),
        Just(PAYLOAD.to_owned()),
        (0_usize..5_000).prop_map(|length| "long ".repeat(length)),
    ]
}

/// A JSON value of any shape, with the names of `members` more often than others.
pub fn any_json(members: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2_i64..70_000).prop_map(Value::from),
        prop::sample::select(EDGES).prop_map(Value::from),
        any_text().prop_map(Value::from),
        (1_usize..140).prop_map(nested),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let name = prop_oneof![
            prop::sample::select(members).prop_map(str::to_owned),
            any_text()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// How a value is changed on its way.
#[derive(Debug, Clone)]
pub enum Change {
    /// Not at all.
    None,
    /// The member or element at this position, counted over all, becomes another.
    Replace(usize, Value),
    /// The number at this position, counted over all numbers, becomes another.
    Number(usize, u64),
    /// It is missing.
    Remove(usize),
    /// The text ends here, in thousandths of it.
    Cut(usize),
    /// A byte of the text, in thousandths of it, becomes another.
    Byte(usize, u8),
    /// Something else comes instead.
    Other(Vec<u8>),
}

/// Any change, to values with these members.
pub fn any_change(members: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let json = || any_json(members);
    prop_oneof![
        1 => Just(Change::None),
        6 => (0_usize..60, json()).prop_map(|(at, value)| Change::Replace(at, value)),
        3 => (0_usize..30, prop::sample::select(EDGES)).prop_map(|(at, number)| Change::Number(at, number)),
        2 => (0_usize..60).prop_map(Change::Remove),
        1 => (0_usize..1_000).prop_map(Change::Cut),
        1 => (0_usize..1_000, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => json().prop_map(|value| Change::Other(value.to_string().into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Change::Other),
    ]
}

impl Change {
    /// The JSON text of a value, changed.
    pub fn apply(&self, mut value: Value) -> Vec<u8> {
        match self {
            Self::None | Self::Cut(_) | Self::Byte(..) => {}
            Self::Replace(at, other) => {
                replace(&mut value, &mut at.clone(), &mut |inner| {
                    *inner = other.clone()
                });
            }
            Self::Number(at, number) => {
                replace_number(&mut value, &mut at.clone(), *number);
            }
            Self::Remove(at) => remove(&mut value, &mut at.clone()),
            Self::Other(bytes) => return bytes.clone(),
        }
        let mut bytes = value.to_string().into_bytes();
        match self {
            Self::Cut(at) => bytes.truncate(bytes.len() * at / 1_000),
            Self::Byte(at, byte) => {
                let at = bytes.len() * at / 1_000;
                bytes[at] = *byte;
            }
            _ => {}
        }
        bytes
    }

    /// The value, changed; unchanged where its text is.
    pub fn apply_to_value(&self, value: Value) -> Value {
        serde_json::from_slice(&self.apply(value.clone())).unwrap_or(value)
    }
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(elements) => elements.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    }
}

/// Changes the value that comes after so many others; answers whether there is one.
fn replace(value: &mut Value, left: &mut usize, change: &mut dyn FnMut(&mut Value)) -> bool {
    if *left == 0 {
        change(value);
        return true;
    }
    *left -= 1;
    let mut children = children(value).into_iter();
    children.any(|child| replace(child, left, change))
}

fn remove(value: &mut Value, left: &mut usize) {
    replace(value, left, &mut |inner| match inner {
        Value::Object(members) => {
            drop(members.remove(&members.keys().next().cloned().unwrap_or_default()))
        }
        Value::Array(elements) => drop(elements.pop()),
        other => *other = Value::Null,
    });
}

fn replace_number(value: &mut Value, left: &mut usize, number: u64) -> bool {
    if value.is_number() {
        if *left == 0 {
            *value = json!(number);
            return true;
        }
        *left -= 1;
    }
    let mut children = children(value).into_iter();
    children.any(|child| replace_number(child, left, number))
}
