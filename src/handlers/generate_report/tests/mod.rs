//! The whole handler against a scripted world: what it asks, what it keeps, what it makes of Grok's bad days.

mod cost;
mod coverage;
mod deferred;
mod deferring;
mod failures;
mod final_step;
mod golden;
mod images;
mod killed;
mod refusals;
mod reports_table;
mod responses;
mod reuse;
mod side_by_side;
mod streamed;
mod whole;
mod workers;

use serde_json::{Value, json};

use super::GenerateReport;
use super::visit::Photo;
use crate::error::JobError;
use crate::host::HttpRequest;
use crate::job::Job;
use crate::testing::{Reply, ScriptedHost, config, held, job, raw, run_attempt, run_job};

/// The frame of a JPEG of 1600 × 1200 pixels, without the pixels.
const JPEG: &[u8] = b"\xff\xd8\xff\xc0\0\x0b\x08\x04\xb0\x06\x40\x03\0\0\0\xff\xda\0\x02\xff\xd9";

/// A photo without anything but its names.
pub(super) fn photo(number: usize) -> Photo {
    Photo {
        alias: format!("p{number}"),
        id: format!("photo-{number}"),
        url: Some(format!("https://photos.test/{number}.jpg")),
        url_error: None,
        stored: None,
        description: String::new(),
        tag: String::new(),
        groups: Vec::new(),
        number: None,
        rotation: 0,
    }
}

/// The input of a report with numbered photos in one group, changed by `change`.
pub(super) fn input(photos: usize, change: Value) -> Value {
    let image = |number| {
        json!({
            "id": format!("photo-{number}"),
            "url": format!("https://photos.test/{number}.jpg"),
            "description": format!("open lap number {number}"),
            "tag": "deficiency",
            "group": "Roof",
            "number": number,
        })
    };
    let mut input = json!({
        "reportId": "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "projectId": "7f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "bulletPoints": "Membrane complete on the east half.",
        "images": (1..=photos).map(image).collect::<Vec<_>>(),
    });
    for (key, value) in change.as_object().expect("a change is an object") {
        input[key] = value.clone();
    }
    input
}

/// What can be asked about, as a request names it.
const ENTRIES: [&str; 3] = ["Photo", "Note", "Observation"];

/// A call of the API, taken apart.
struct Call<'a> {
    name: String,
    text: String,
    request: &'a HttpRequest,
    body: Value,
}

impl<'a> Call<'a> {
    fn of(request: &'a HttpRequest) -> Option<Self> {
        let body = request.body.as_ref()?.to_string();
        let body: Value = serde_json::from_str(&body).expect("a request is JSON");
        let parts = body["messages"][1]["content"].as_array();
        let parts = parts.expect("the user message has parts");
        let text: Vec<&str> = parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect();
        let name = body["response_format"]["json_schema"]["name"].as_str();
        Some(Self {
            name: name.expect("a schema has a name").into(),
            text: text.join("\n"),
            request,
            body,
        })
    }

    /// What is asked about: the ids that the request names at the start of an entry.
    fn ids(&self, entry: &str) -> Vec<String> {
        let ids = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(entry)?.strip_prefix(' '));
        ids.map(str::to_owned).collect()
    }

    /// Everything that is asked about.
    fn subject(&self) -> String {
        self.all_ids().join(" ")
    }

    fn all_ids(&self) -> Vec<String> {
        let ids = ENTRIES.iter().flat_map(|entry| self.ids(entry));
        ids.collect()
    }

    fn first_id(&self) -> Option<String> {
        self.all_ids().into_iter().next()
    }

    fn kind(&self) -> Option<usize> {
        ENTRIES.iter().position(|entry| !self.ids(entry).is_empty())
    }

    /// Whether it has the image of a photo, and not only what is said of it.
    fn shows(&self, photo: &str) -> bool {
        let (_, entry) = self
            .text
            .split_once(&format!("Photo {photo}\n"))
            .unwrap_or_default();
        let entry = entry.split("Photo ").next().unwrap_or_default();
        !entry.is_empty() && !entry.contains("Image: not available")
    }

    fn images(&self) -> usize {
        self.body
            .to_string()
            .matches(r#""type":"image_url""#)
            .count()
    }

    /// What a model that does as it is told answers.
    fn answer(&self) -> Value {
        let about = |ids: Vec<String>, key: &str| {
            let entry = |id: String| {
                let text = format!("Statement about {id}");
                let point = json!({ "text": text, "kind": "observation", "spec": null });
                json!({ key: id, "title": "Lap", "points": [point] })
            };
            ids.into_iter().map(entry).collect::<Vec<_>>()
        };
        match self.name.as_str() {
            "report_batch" => json!({ "photos": about(self.ids("Photo"), "p") }),
            "report_notes" => json!({ "notes": about(self.ids("Note"), "n") }),
            _ => json!({
                "sections": [{ "title": "Site", "items": self.ids("Observation") }],
                "summary": ["The roof was reviewed."],
            }),
        }
    }
}

/// A completion with this content.
fn completion(content: &str) -> Reply {
    finished(content, "stop")
}

fn finished(content: &str, finish_reason: &str) -> Reply {
    let message = json!({ "role": "assistant", "content": content });
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish_reason });
    let usage = json!({
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "prompt_tokens_details": { "image_tokens": 60, "cached_tokens": 5 },
        "completion_tokens_details": { "reasoning_tokens": 2 },
        "cost_in_usd_ticks": 10_000_000,
    });
    Reply::json(
        200,
        json!({ "model": "grok-4.3", "choices": [choice], "usage": usage }),
    )
}

/// What Grok or a server answers, out of a table.
type Script = fn() -> Reply;

/// A world with photos and a database, in which Grok answers what `grok` says, or else as it should.
fn world(mut grok: impl FnMut(&Call) -> Option<Reply> + 'static) -> ScriptedHost {
    ScriptedHost::new()
        .on_rpc(|function, _| match function {
            "start_job_step" | "save_job_step" => held(),
            "save_report" => Reply::json(200, json!("saved")),
            other => panic!("unexpected call of {other}"),
        })
        .on_fetch(move |request| match Call::of(request) {
            None => Reply::bytes(200, JPEG),
            Some(call) => grok(&call).unwrap_or_else(|| completion(&call.answer().to_string())),
        })
}

fn run(host: &ScriptedHost, job: Job) -> Result<Value, JobError> {
    run_job::<GenerateReport>(host, &config(&[]), job)
}

fn run_input(host: &ScriptedHost, input: Value) -> Result<Value, JobError> {
    run(host, job("generate_report", input))
}

/// The report of a job that must succeed.
fn report(host: &ScriptedHost, input: Value) -> Value {
    run_input(host, input).expect("the report is written")
}

/// The same job for the next attempt, with the steps the last one saved.
fn next_attempt(host: &ScriptedHost, mut job: Job) -> Job {
    for save in host.calls_of("save_job_step") {
        let name = save["name"].as_str().expect("a step has a name");
        job.steps.insert(name.into(), raw(&save["result"]));
    }
    job.retry_count += 1;
    job
}

/// All calls by what they asked about: photos, notes, the order; those about the same as they were sent. Batches are
/// asked about side by side.
fn for_each_call(host: &ScriptedHost, look: impl FnMut(&Call)) {
    let fetches = host.fetches.borrow();
    let mut calls: Vec<Call> = fetches.iter().filter_map(Call::of).collect();
    calls.sort_by_key(|call| {
        let first: Option<usize> = call.first_id().and_then(|id| id[1..].parse().ok());
        (call.kind(), first)
    });
    calls.iter().for_each(look);
}

/// What every call asked about, in the order of [`for_each_call`].
fn asked(host: &ScriptedHost) -> Vec<String> {
    let mut asked = Vec::new();
    for_each_call(host, |call| asked.push(call.subject()));
    asked
}

/// The steps about photos and the order that were saved, in order.
fn step_names(host: &ScriptedHost) -> Vec<String> {
    let saved = host.calls_of("save_job_step").into_iter();
    let names = saved.map(|save| save["name"].as_str().unwrap_or_default().to_owned());
    names.filter(|name| !name.starts_with("notes")).collect()
}

/// The codes of a report's warnings, and the photos they are about.
fn warnings(report: &Value) -> Vec<(&str, &str)> {
    let warnings = report["warnings"].as_array().expect("warnings are a list");
    let texts = warnings.iter().map(|warning| {
        let code = warning["code"].as_str().expect("a warning has a code");
        (code, warning["imageId"].as_str().unwrap_or_default())
    });
    texts.collect()
}

/// The texts of a report's observations by section title.
fn body(report: &Value) -> Vec<(&str, Vec<&str>)> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default().len();
    let sections = report["sections"].as_array().expect("sections are a list");
    let texts = sections.iter().map(|section| {
        let title = section["title"].as_str().expect("a section has a title");
        let texts = (0..list(&section["observations"])).map(|index| {
            section["observations"][index]["text"]
                .as_str()
                .unwrap_or_default()
        });
        (title, texts.collect())
    });
    texts.collect()
}
