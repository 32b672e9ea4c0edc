//! A question in sixteen characters: whatever changes what the model is told changes them.

use xxhash_rust::xxh64::Xxh64;

use super::question::Question;

/// The question's fingerprint; `version` is that of the wording. A fast digest and no cryptographic one: photographs
/// are megabytes, an isolate has two seconds of CPU, and who could forge one may as well change the question.
pub(super) fn of(question: &Question, model: &str, version: u32) -> String {
    let mut digest = Xxh64::new(0);
    let mut feed = |bytes: &[u8]| {
        // With its length, or "ab" and "c" would be "a" and "bc".
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    feed(&version.to_le_bytes());
    feed(format!("{model} {:?} {}", question.effort, question.name).as_bytes());
    feed(question.rules.as_bytes());
    feed(question.schema.as_bytes());
    question.parts.iter().for_each(|part| feed(part.bytes()));
    format!("{:016x}", digest.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grok::{Effort, ImageSource, Part};
    use crate::media::Photograph;

    fn photo(name: &str) -> Part {
        let bytes = [&[0xff, 0xd8, 0xff], name.as_bytes()].concat();
        let photograph = Photograph::from_bytes(bytes).expect("a photograph");
        Part::Image(ImageSource::Data(photograph))
    }

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    fn question(rules: &str, parts: Vec<Part>) -> Question<'_> {
        Question {
            name: "report_batch",
            rules,
            parts,
            schema: "{}".into(),
            effort: Effort::Low,
        }
    }

    #[test]
    fn whatever_the_model_is_told_changes_the_fingerprint_and_nothing_else_does() {
        let same = || question("rules", vec![text("p1"), photo("one")]);
        let first = of(&same(), "grok-4.3", 1);
        assert_eq!(first.len(), 16);
        assert_eq!(of(&same(), "grok-4.3", 1), first);
        let harder = Question {
            effort: Effort::High,
            ..same()
        };
        let asked = |rules, parts| of(&question(rules, parts), "grok-4.3", 1);
        let address = Part::Image(ImageSource::Url("https://photos.test/1.jpg".into()));
        let others = [
            of(&same(), "grok-4.6", 1),
            of(&same(), "grok-4.3", 2),
            of(&harder, "grok-4.3", 1),
            asked("rule", vec![text("sp1"), photo("one")]),
            asked("rules", vec![text("p2"), photo("one")]),
            asked("rules", vec![text("p1"), photo("two")]),
            asked("rules", vec![text("p1"), address]),
            asked("rules", vec![photo("one"), text("p1")]),
            asked("rules", vec![text("p1")]),
        ];
        for other in &others {
            assert_ne!(other, &first);
            assert_eq!(others.iter().filter(|known| *known == other).count(), 1);
        }
    }
}
