//! Storage with the photographs of a report, and the jobs that are run with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::error::JobError;
use crate::handlers::export_document::ExportDocument;
use crate::host::{Body, HttpRequest, Method};
use crate::testing::{Reply, ScriptedHost, config, held, job, raw, run_job};

const OBJECTS: &str = "http://supabase.test/storage/v1/object/";

type Objects = Rc<RefCell<BTreeMap<String, (Vec<u8>, Value)>>>;

/// What jobs are run with.
pub(super) struct World {
    pub(super) host: ScriptedHost,
    objects: Objects,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_reports(|_| Value::Null)
    }

    /// One in which `find_report` answers what `found` does.
    pub(super) fn with_reports(found: impl Fn(&Value) -> Value + 'static) -> Self {
        let objects = Objects::default();
        let of_host = objects.clone();
        let host = ScriptedHost::new()
            .on_rpc(move |function, arguments| match function {
                "find_report" => Reply::json(200, found(arguments)),
                _ => held(),
            })
            .on_fetch(move |request| answer(&mut of_host.borrow_mut(), request));
        Self { host, objects }
    }

    pub(super) fn run(&self, input: Value) -> Result<Value, JobError> {
        self.run_with_steps(input, BTreeMap::new())
    }

    pub(super) fn run_with_steps(
        &self,
        input: Value,
        steps: BTreeMap<String, Value>,
    ) -> Result<Value, JobError> {
        let mut job = job("export_document", input);
        let steps = steps.iter().map(|(name, step)| (name.clone(), raw(step)));
        job.steps.extend(steps);
        run_job::<ExportDocument>(&self.host, &config(&[]), job)
    }

    /// The names of the steps that were saved.
    pub(super) fn steps(&self) -> Vec<String> {
        let saved = self.host.calls_of("save_job_step").into_iter();
        let names = saved.map(|step| step["name"].as_str().expect("a name").to_owned());
        names.collect()
    }

    /// Their results.
    pub(super) fn saved_steps(&self) -> BTreeMap<String, Value> {
        let saved = self.host.calls_of("save_job_step");
        let names = self.steps().into_iter().zip(saved);
        names
            .map(|(name, step)| (name, step["result"].clone()))
            .collect()
    }

    /// A file, and what was said of it.
    pub(super) fn stored(&self, path: &str) -> (Vec<u8>, Value) {
        let objects = self.objects.borrow();
        objects
            .get(path)
            .unwrap_or_else(|| panic!("nothing is at {path}"))
            .clone()
    }

    pub(super) fn put(&self, path: &str, file: &[u8], label: Value) {
        self.objects
            .borrow_mut()
            .insert(path.into(), (file.into(), label));
    }

    /// Everything that a job has put into Storage.
    pub(super) fn written(&self) -> Vec<String> {
        self.paths_below("")
    }

    pub(super) fn paths_below(&self, folder: &str) -> Vec<String> {
        let objects = self.objects.borrow();
        let paths = objects.keys().filter(|path| path.starts_with(folder));
        paths.cloned().collect()
    }
}

/// As Storage answers. Everything in its bucket of photographs but `nowhere.jpg` is one.
fn answer(objects: &mut BTreeMap<String, (Vec<u8>, Value)>, request: &HttpRequest) -> Reply {
    let missing = || {
        let refusal = json!({ "statusCode": "404", "message": "Object not found" });
        Reply::json(400, refusal)
    };
    let Some(path) = request.url.strip_prefix(OBJECTS) else {
        return match request.url.contains("missing") {
            true => Reply::bytes(404, ""),
            false => Reply::bytes(200, photograph(&request.url)),
        };
    };
    if request.method == Method::Post {
        let mut headers = request.headers.iter();
        let label = headers
            .find(|(name, _)| name == "x-metadata")
            .expect("a label");
        let label = BASE64_STANDARD.decode(&label.1).expect("base64");
        let label = serde_json::from_slice(&label).expect("JSON");
        let file = request
            .body
            .clone()
            .map(Body::into_bytes)
            .unwrap_or_default();
        objects.insert(path.into(), (file, label));
        return Reply::json(200, json!({ "Key": path }));
    }
    if let Some(path) = path.strip_prefix("info/") {
        let found = objects.get(path);
        return found.map_or_else(missing, |(_, label)| {
            Reply::json(200, json!({ "size": 1, "metadata": label }))
        });
    }
    let path = path.strip_prefix("authenticated/").unwrap_or(path);
    match objects.get(path) {
        Some((file, _)) => Reply::bytes(200, file.clone()),
        None if path.starts_with("site-photos/") && !path.contains("nowhere") => {
            Reply::bytes(200, photograph(path))
        }
        None => missing(),
    }
}

/// A small JPEG, for each path another.
fn photograph(path: &str) -> Vec<u8> {
    let shade = path.bytes().fold(0_u8, u8::wrapping_add);
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    let encoded = encoder.encode(&[shade; 8 * 6], 8, 6, jpeg_encoder::ColorType::Luma);
    encoded.expect("a JPEG");
    file
}

/// A job that makes a document of a report.
pub(super) fn input(format: &str, report: Value) -> Value {
    json!({
        "report": report,
        "format": format,
        "output": { "bucket": "out", "path": format!("visits/7/report.{format}") },
    })
}

/// A finished report about four photographs.
pub(super) fn report() -> Value {
    let mut report = visit("small");
    for (number, photo) in report["photos"]
        .as_array_mut()
        .expect("a list")
        .iter_mut()
        .enumerate()
    {
        photo["url"] = Value::Null;
        photo["bucket"] = json!("site-photos");
        photo["path"] = json!(format!("{number}.jpg"));
    }
    report
}

/// The finished report of a whole visit.
pub(super) fn visit(name: &str) -> Value {
    let folder = env!("CARGO_MANIFEST_DIR");
    let read = |file: &str| {
        let path = format!("{folder}/tests/reports/{name}/{file}");
        std::fs::read_to_string(path).expect("a text file")
    };
    let mut report: Value = serde_json::from_str(&read("result.json")).expect("JSON");
    report["text"] = json!(read("report.txt"));
    report
}
