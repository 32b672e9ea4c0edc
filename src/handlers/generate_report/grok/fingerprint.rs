//! A question in sixteen characters: whatever changes what the model is told changes them.

use xxhash_rust::xxh64::Xxh64;

use super::Question;
use crate::handlers::generate_report::prompt::PROMPT_VERSION;
use crate::handlers::generate_report::visit::Effort;

/// The question's fingerprint. A fast digest and no cryptographic one: photos are megabytes, an isolate has two seconds
/// of CPU, and who could forge one may as well change the question.
pub(super) fn of(question: &Question, model: &str, effort: Effort) -> String {
    let mut digest = Xxh64::new(0);
    let mut feed = |bytes: &[u8]| {
        // With its length, or "ab" and "c" would be "a" and "bc".
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    feed(&PROMPT_VERSION.to_le_bytes());
    feed(format!("{model} {effort:?} {}", question.name).as_bytes());
    feed(question.rules.as_bytes());
    feed(question.schema.as_bytes());
    question.parts.iter().for_each(|part| feed(part.bytes()));
    format!("{:016x}", digest.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::generate_report::grok::Part;
    use crate::handlers::generate_report::images::{Format, Image};

    fn photo(bytes: &[u8]) -> Part {
        Part::image(Image::Bytes {
            format: Format::Jpeg,
            bytes: bytes.to_vec().into(),
        })
    }

    fn text(text: &str) -> Part {
        Part::text(text.into())
    }

    fn question(rules: &str, parts: Vec<Part>) -> Question<'_> {
        Question {
            name: "report_batch",
            rules,
            parts,
            schema: "{}".into(),
            heard: &|_| (),
        }
    }

    #[test]
    fn whatever_the_model_is_told_changes_the_fingerprint_and_nothing_else_does() {
        let same = || question("rules", vec![text("p1"), photo(b"one")]);
        let first = of(&same(), "grok-4.3", Effort::Low);
        assert_eq!(first.len(), 16);
        assert_eq!(of(&same(), "grok-4.3", Effort::Low), first);
        let address = Part::image(Image::Address("https://photos.test/1.jpg".into()));
        let others = [
            of(&same(), "grok-4.6", Effort::Low),
            of(&same(), "grok-4.3", Effort::High),
            of(
                &question("rule", vec![text("sp1"), photo(b"one")]),
                "grok-4.3",
                Effort::Low,
            ),
            of(
                &question("rules", vec![text("p2"), photo(b"one")]),
                "grok-4.3",
                Effort::Low,
            ),
            of(
                &question("rules", vec![text("p1"), photo(b"two")]),
                "grok-4.3",
                Effort::Low,
            ),
            of(
                &question("rules", vec![text("p1"), address]),
                "grok-4.3",
                Effort::Low,
            ),
            of(
                &question("rules", vec![photo(b"one"), text("p1")]),
                "grok-4.3",
                Effort::Low,
            ),
            of(
                &question("rules", vec![text("p1")]),
                "grok-4.3",
                Effort::Low,
            ),
        ];
        for other in &others {
            assert_ne!(other, &first);
            assert_eq!(others.iter().filter(|known| *known == other).count(), 1);
        }
    }
}
