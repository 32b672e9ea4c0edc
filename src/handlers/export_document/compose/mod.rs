//! What stands in a document, from a report and a template: the words, their order, which photograph belongs where.

mod actions;
mod blocks;
mod front;
mod labels;
mod point;
mod shown;
mod words;

use document_kernel::order::{Block, Document, Furniture, Heading, Look, Text};

use self::blocks::{heading, listed, text};
use self::labels::labels;
use self::shown::ShownPhotos;
use super::input::{DocumentStatus, PhotoLayout};
use super::photos::PreparedPhoto;
use super::plan::Template;
use crate::report::{Kind, Report};

/// Composes the document. `prepared` are the report's photographs as they can be shown; none is shown that is not
/// among them.
pub(super) fn document(
    report: &Report,
    template: &Template,
    prepared: &[PreparedPhoto],
) -> Document {
    let labels = labels(template.language);
    let mut shown = ShownPhotos::of(report, labels);
    let mut blocks = front::blocks(report, template, labels);
    for section in &report.sections {
        blocks.push(Block::Heading(Heading {
            number: Some(words::line(&section.number)),
            text: words::line(&section.title),
        }));
        for observation in &section.observations {
            let point = point::point(observation, report, labels, &mut shown, template.layout);
            blocks.push(Block::Point(point));
        }
    }
    listed(&mut blocks, labels.to_verify, to_verify(report, &shown));
    if let Some(table) = actions::table(report, labels, &shown) {
        blocks.push(heading(labels.actions));
        blocks.push(Block::Table(table));
    }
    let left = match template.layout {
        PhotoLayout::Below => shown.left(),
        PhotoLayout::Appendix => shown.all(),
    };
    if !left.is_empty() {
        blocks.push(heading(labels.photographs));
        blocks.push(Block::Gallery(left));
    }
    text(&mut blocks, labels.limitations, &template.limitations);
    let distribution = report.header.distribution.iter();
    let distribution = distribution.map(|line| words::text(line)).collect();
    listed(&mut blocks, labels.distribution, distribution);
    blocks.push(Block::Signatures(front::signatures(
        report, template, labels,
    )));
    let name = front::name(report, labels);
    Document {
        language: labels.language.into(),
        look: Look {
            paper: template.paper,
            color: template.color,
            stamp: (template.status == DocumentStatus::Draft).then(|| labels.draft.into()),
        },
        furniture: Furniture {
            left: words::line(&template.firm),
            right: name.clone(),
            page: labels.page.map(str::to_owned),
        },
        title: front::title(report, &name),
        name,
        blocks,
        photos: shown.photos(prepared),
    }
}

/// What remains to be checked.
fn to_verify(report: &Report, shown: &ShownPhotos) -> Vec<Text> {
    let sections = report.sections.iter();
    let observations = sections.flat_map(|section| &section.observations);
    let open = observations.filter(|observation| observation.kind == Kind::Verify);
    open.map(|observation| {
        let words = format!("{} {}", observation.number, observation.text);
        shown.text(&words)
    })
    .collect()
}
