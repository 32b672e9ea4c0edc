//! What callers in TypeScript see of this job type; `src/testing/typescript.rs` asks for it.
//!
//! The input is read field by field, so its types stand here only; a test holds them and the reading equal.

#![expect(dead_code, reason = "the types of the input stand for shapes")]

use serde_json::{Value, json};
use ts_rs::TS;

use super::tests::input;
use super::visit::{ImageTransport, Style, Visit};
use crate::address::AddressPolicy;
use crate::config::{ApiStyle, Transport};
use crate::grok::Effort;
use crate::report::{Attendee, Header, Report};
use crate::testing::raw;
use crate::testing::typescript::{Declarations, declaration};

/// What forms may also send as a number.
#[derive(TS)]
#[ts(untagged)]
enum TextOrNumber {
    Text(String),
    Number(f64),
}

/// A list for which a single text may stand.
#[derive(TS)]
#[ts(untagged)]
enum TextOrTexts {
    Text(String),
    Texts(Vec<String>),
}

/// The input of a `generate_report` job. Required are `reportId`, `projectId` and `bulletPoints`.
#[derive(TS)]
#[ts(rename_all = "camelCase", optional_fields = nullable)]
struct ReportInput {
    /// The row of `reports` the report is written to; a uuid.
    report_id: String,
    /// The project the report belongs to; a uuid.
    project_id: String,
    /// The engineer's notes, one to a line.
    bullet_points: String,
    /// The contract's name, the report's title.
    contract_name: Option<String>,
    /// Where the visit was.
    location: Option<String>,
    /// The photos.
    images: Option<Vec<ReportInputImage>>,
    /// The photos as newer clients call them; wins over `images` unless it is empty.
    images_with_numbering: Option<Vec<ReportInputImage>>,
    /// Groups in the order of the report; others follow in the order they appear.
    group_order: Option<Vec<String>>,
    /// How much to write; brief unless told otherwise.
    report_style: Option<Style>,
    /// Clauses the report may cite.
    specifications: Option<Vec<ReportInputSpecification>>,
    /// What stands at the report's head.
    #[ts(type = "ReportInputHeader | null", optional)]
    header: Option<Header>,
    /// How the report is made.
    options: Option<ReportInputOptions>,
}

/// A photo: `url`, or `bucket` and `path` in the project's Storage.
#[derive(TS)]
#[ts(rename_all = "camelCase", optional_fields = nullable)]
struct ReportInputImage {
    /// The caller's name for it.
    id: Option<String>,
    /// Where it can be fetched without a key.
    url: Option<String>,
    /// Its bucket in the project's Storage.
    bucket: Option<String>,
    /// Its path in the bucket.
    path: Option<String>,
    /// What the engineer says about it.
    description: Option<String>,
    /// What it shows: overview, deficiency, safety, …
    tag: Option<String>,
    /// The groups it belongs to; a single one may come as a text.
    group: Option<TextOrTexts>,
    /// Its number within its group.
    number: Option<u32>,
    /// Degrees to turn it clockwise until it is upright.
    rotation: Option<f64>,
}

/// A clause of a specification that the report may cite.
#[derive(TS)]
#[ts(rename_all = "camelCase", optional_fields = nullable)]
struct ReportInputSpecification {
    /// The caller's name for it.
    id: Option<String>,
    /// The document it is from.
    document: Option<String>,
    /// The section or clause.
    section: Option<String>,
    /// Its words.
    text: Option<String>,
    /// The photos it applies to; none means all.
    image_ids: Option<Vec<String>>,
}

/// How the report is made.
#[derive(TS)]
#[ts(rename_all = "camelCase", optional_fields = nullable)]
struct ReportInputOptions {
    /// The model, instead of the configured one.
    model: Option<String>,
    /// Ignored with a warning: the key goes to the configured address only.
    base_url: Option<String>,
    /// Which of xAI's endpoints to use.
    api_style: Option<ApiStyle>,
    /// How to wait for the model.
    transport: Option<Transport>,
    /// How long the model thinks.
    reasoning_effort: Option<Effort>,
    /// Photos in one request, 1 to 20.
    batch_size: Option<u32>,
    /// How photos travel to the model.
    image_transport: Option<ImageTransport>,
    /// What the report may cost; 0 is no limit.
    max_cost_usd: Option<f64>,
    /// Whether the model orders the report and sums it up.
    final_formatting: Option<bool>,
    /// The language to write in, such as `en`.
    language: Option<String>,
    /// Whether answers that an earlier job about the same report has paid for are taken again.
    reuse: Option<bool>,
    /// Whether the report is also written to `reports`.
    write_report: Option<bool>,
}

/// The types of input and output, and what they are made of.
pub fn declare(declarations: &mut Declarations) {
    declarations.add::<ReportInput>();
    declarations.add::<TextOrNumber>();
    declarations.add::<TextOrTexts>();
    declarations.add::<Report>();
    let docs =
        "What stands at the report's head. All of it is optional and printed as it is given.";
    declarations.add_text("ReportInputHeader", docs, input_header());
    declarations.add_text(
        "ReportInputAttendee",
        "Someone who was there.",
        input_attendee(),
    );
}

/// The report's header as callers write it: all of it may be missing, forms send numbers and old clients single texts.
fn input_header() -> String {
    declaration::<Header>()
        .replace("ReportHeader", "ReportInputHeader")
        .replace(": string", "?: TextOrNumber | null")
        .replace(": Array<string>", "?: TextOrTexts | null")
        .replace(
            ": Array<ReportAttendee>",
            "?: Array<ReportInputAttendee> | null",
        )
}

fn input_attendee() -> String {
    declaration::<Attendee>()
        .replace("ReportAttendee", "ReportInputAttendee")
        .replace(": string", "?: string | null")
}

/// The names of the fields in a declaration.
fn fields(declaration: &str) -> Vec<String> {
    let lines = declaration
        .lines()
        .filter(|line| !line.starts_with(['/', ' ']));
    let text = lines.collect::<String>().replace(['{', '}'], ",");
    let named = text.split(',').filter_map(|field| field.split_once(':'));
    named
        .map(|(name, _)| name.trim().trim_end_matches('?').to_owned())
        .collect()
}

#[test]
fn every_field_that_callers_are_told_of_is_read() {
    let check = |declaration: String, path: &str, place: fn(Value) -> Value| {
        let names = fields(&declaration);
        assert!(names.len() > 1, "{declaration}");
        for name in names {
            let is_refused = |wrong: Value| {
                let visit =
                    Visit::read(&raw(&place(json!({ &name: wrong }))), AddressPolicy::Public);
                let error = visit.map_err(|error| error.to_string()).err();
                error.is_some_and(|error| error.starts_with(&format!("{path}.{name}: expected")))
            };
            assert!(
                is_refused(json!(true)) || is_refused(json!("?")),
                "{path}.{name}"
            );
        }
    };
    check(declaration::<ReportInput>(), "input_data", |fields| {
        input(1, fields)
    });
    let options = |options| input(1, json!({ "options": options }));
    check(
        declaration::<ReportInputOptions>(),
        "input_data.options",
        options,
    );
    let header = |header| input(1, json!({ "header": header }));
    check(input_header(), "input_data.header", header);
    let attendee = |attendee| input(1, json!({ "header": { "attendees": [attendee] } }));
    check(input_attendee(), "input_data.header.attendees[0]", attendee);
    let clause = |clause| input(1, json!({ "specifications": [clause] }));
    check(
        declaration::<ReportInputSpecification>(),
        "input_data.specifications[0]",
        clause,
    );
    let image = |mut fields: Value| {
        let mut image = json!({ "url": "https://photos.test/1.jpg" });
        image
            .as_object_mut()
            .expect("an object")
            .append(fields.as_object_mut().expect("an object"));
        input(1, json!({ "images": [image] }))
    };
    check(
        declaration::<ReportInputImage>(),
        "input_data.images[0]",
        image,
    );
}
