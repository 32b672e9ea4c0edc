//! Whole jobs, with the kernel of photographs linked natively and Storage as a script.

mod inputs;
mod places;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::ProcessImages;
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::{Body, ComputeError, HttpRequest, Method};
use crate::isolate::{CrashRecord, RunContext, Signals};
use crate::testing::{Reply, ScriptedHost, config, held, job, raw, run_job};

/// A JPEG of 8 × 6 pixels.
static PHOTO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    let encoded = encoder.encode(&[120; 8 * 6], 8, 6, jpeg_encoder::ColorType::Luma);
    encoded.expect("a JPEG");
    file
});
const OBJECTS: &str = "http://supabase.test/storage/v1/object/";

/// What is in Storage: files and what was said of them, by bucket and path.
type Objects = Rc<RefCell<BTreeMap<String, (Vec<u8>, Value)>>>;

fn input(images: Value) -> Value {
    json!({ "images": images, "output": { "bucket": "out", "prefix": "visit" } })
}

fn image(id: &str, path: &str) -> Value {
    json!({ "id": id, "bucket": "photos", "path": path })
}

/// Storage with these files in the bucket `photos`.
fn storage(files: &[(&str, &[u8])]) -> Objects {
    let objects = files.iter().map(|(path, bytes)| {
        let path = format!("photos/{path}");
        (path, (bytes.to_vec(), Value::Null))
    });
    Rc::new(RefCell::new(objects.collect()))
}

fn host(objects: &Objects) -> ScriptedHost {
    let objects = objects.clone();
    ScriptedHost::new()
        .on_rpc(|_, _| held())
        .on_fetch(move |request| answer(&mut objects.borrow_mut(), request))
}

/// As Storage answers.
fn answer(objects: &mut BTreeMap<String, (Vec<u8>, Value)>, request: &HttpRequest) -> Reply {
    let missing = || {
        Reply::json(
            400,
            json!({ "statusCode": "404", "message": "Object not found" }),
        )
    };
    let path = request.url.strip_prefix(OBJECTS).expect("an object");
    if request.method == Method::Post {
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            headers
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(header("x-upsert").as_deref(), Some("true"));
        use base64::Engine as _;
        let metadata = base64::prelude::BASE64_STANDARD.decode(header("x-metadata").expect("some"));
        let metadata = serde_json::from_slice(&metadata.expect("base64")).expect("JSON");
        let bytes = request
            .body
            .clone()
            .map(Body::into_bytes)
            .unwrap_or_default();
        objects.insert(path.into(), (bytes, metadata));
        return Reply::json(200, json!({ "Key": path }));
    }
    if let Some(path) = path.strip_prefix("info/") {
        let found = objects.get(path);
        return found.map_or_else(missing, |(_, metadata)| {
            Reply::json(200, json!({ "size": 1, "metadata": metadata }))
        });
    }
    let path = path.strip_prefix("authenticated/").unwrap_or(path);
    let found = objects.get(path);
    found.map_or_else(missing, |(bytes, _)| Reply::bytes(200, bytes.clone()))
}

fn run(host: &ScriptedHost, input: Value) -> Result<Value, JobError> {
    run_job::<ProcessImages>(host, &config(&[]), job("process_images", input))
}

fn statuses(output: &Value) -> Vec<&str> {
    let images = output["images"].as_array().expect("a list");
    images
        .iter()
        .filter_map(|image| image["status"].as_str())
        .collect()
}

fn uploads(host: &ScriptedHost) -> usize {
    let fetches = host.fetches.borrow();
    fetches
        .iter()
        .filter(|request| request.method == Method::Post)
        .count()
}

#[test]
fn every_photograph_becomes_three_files_in_storage_and_is_a_step() {
    let objects = storage(&[("1.jpg", &PHOTO), ("2.jpg", &PHOTO)]);
    let host = host(&objects);
    let output = run(
        &host,
        input(json!([image("a", "1.jpg"), image("b", "2.jpg")])),
    );
    let output = output.expect("a result");
    // The second is the same file: what is made of it is there already.
    assert_eq!(statuses(&output), ["ok", "skipped"]);
    let variants = output["images"][0]["variants"].as_array().expect("a list");
    let names: Vec<_> = variants.iter().map(|variant| &variant["name"]).collect();
    assert_eq!(names, ["ai", "doc", "thumb"]);
    assert_eq!(
        &output["images"][1]["variants"],
        &output["images"][0]["variants"]
    );
    for variant in variants {
        let path = variant["path"].as_str().expect("a path");
        assert!(path.starts_with("visit/"), "{path}");
        let objects = objects.borrow();
        let (bytes, metadata) = &objects[&format!("out/{path}")];
        assert_eq!(variant["bytes"], bytes.len());
        for known in ["width", "height", "bytes", "sha256"] {
            assert_eq!(variant[known], metadata[known]);
        }
        assert_eq!(
            (&variant["width"], &variant["height"]),
            (&json!(8), &json!(6))
        );
    }
    let saved = host.calls_of("save_job_step");
    let names: Vec<_> = saved.iter().map(|step| &step["name"]).collect();
    assert_eq!(names, ["photograph/1", "photograph/2"]);
    assert_eq!(saved[1]["progress"]["total"], 2);
    assert_eq!(output["totals"]["ok"], 1);
    assert_eq!(output["totals"]["bytes_in"], 2 * PHOTO.len());
}

#[test]
fn one_bad_photograph_fails_nothing_but_itself() {
    let bad: [(&str, &[u8], &str); 4] = [
        (
            "page.jpg",
            b"<!doctype html>",
            "it is a web page, expected a photograph",
        ),
        (
            "cut.jpg",
            &PHOTO[..PHOTO.len() / 2],
            "the end of the file is missing",
        ),
        (
            "phone.jpg",
            b"\0\0\0\x18ftypheic",
            "it is HEIC: convert it to JPEG",
        ),
        ("note.txt", b"hello", "expected JPEG, PNG or WebP"),
    ];
    let mut files: Vec<(&str, &[u8])> = bad.iter().map(|(path, file, _)| (*path, *file)).collect();
    files.push(("good.jpg", &PHOTO));
    let mut images: Vec<Value> = bad.iter().map(|(path, ..)| image(path, path)).collect();
    images.push(image("missing", "nowhere.jpg"));
    images.push(json!({ "id": "private", "url": "https://10.0.0.1/1.jpg" }));
    images.push(image("good", "good.jpg"));
    let host = host(&storage(&files));
    let output = run(&host, input(json!(images))).expect("a result");
    assert_eq!(statuses(&output), [&["failed"; 6][..], &["ok"]].concat());
    let reasons = bad.iter().map(|(.., reason)| *reason);
    let reasons = reasons.chain(["the server answered 400", "its address is not called"]);
    for (image, reason) in output["images"]
        .as_array()
        .expect("a list")
        .iter()
        .zip(reasons)
    {
        let error = image["error"].as_str().expect("a reason");
        assert!(error.starts_with(reason), "{error}");
        assert_eq!(image["variants"], json!([]));
    }
    assert_eq!(output["totals"]["failed"], 6);
}

#[test]
fn a_photograph_the_kernel_stops_over_fails_alone_and_one_it_cannot_be_loaded_for_waits() {
    let answers = Rc::new(RefCell::new(vec![
        ComputeError::NotLoaded,
        ComputeError::Stopped,
    ]));
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects).on_compute(move |_, _| Err(answers.borrow_mut().pop().expect("two")));
    let output = run(&host, input(json!([image("a", "1.jpg")]))).expect("a result");
    assert_eq!(
        output["images"][0]["error"],
        "it is too much to be processed"
    );
    let refused = run(&host, input(json!([image("a", "1.jpg")])));
    assert!(
        matches!(refused, Err(JobError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(uploads(&host), 0);
}

#[test]
fn what_is_there_is_not_made_again_unless_the_input_says_so() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects);
    let mut again = input(json!([image("a", "1.jpg")]));
    let first = run(&host, again.clone()).expect("a result");
    let second = run(&host, again.clone()).expect("a result");
    assert_eq!((statuses(&second), uploads(&host)), (vec!["skipped"], 3));
    assert_eq!(
        first["images"][0]["variants"],
        second["images"][0]["variants"]
    );
    assert_eq!(first["images"][0]["source"], second["images"][0]["source"]);
    again["overwrite"] = json!(true);
    let third = run(&host, again).expect("a result");
    assert_eq!((statuses(&third), uploads(&host)), (vec!["ok"], 6));
    assert_eq!(objects.borrow().len(), 4);
}

#[test]
fn whatever_changes_a_variant_gives_it_another_path_and_nothing_else_does() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects);
    let paths = |change: Value| -> Vec<String> {
        let mut photo = image("a", "1.jpg");
        photo
            .as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        let output = run(&host, input(json!([photo]))).expect("a result");
        let variants = output["images"][0]["variants"].as_array().expect("a list");
        variants
            .iter()
            .map(|variant| variant["path"].to_string())
            .collect()
    };
    let plain = paths(json!({}));
    assert_eq!(paths(json!({ "id": "another", "rotation": 0 })), plain);
    let circle = json!([{ "type": "circle", "center": { "x": 0.5, "y": 0.5 }, "radius": 0.1 }]);
    let drawn = paths(json!({ "annotations": circle }));
    assert_eq!((&drawn[0], &drawn[2]), (&plain[0], &plain[2]));
    assert_ne!(drawn[1], plain[1]);
    let redact = json!([{ "x": 0, "y": 0, "width": 0.5, "height": 0.5 }]);
    for change in [json!({ "rotation": 90 }), json!({ "redact": redact })] {
        let changed = paths(change);
        assert!(changed.iter().all(|path| !plain.contains(path)));
    }
}

#[test]
fn what_was_processed_before_a_hand_over_is_not_processed_again() {
    let objects = storage(&[("1.jpg", &PHOTO), ("2.jpg", &[&PHOTO[..], b"x"].concat())]);
    let host = host(&objects);
    let mut job = job(
        "process_images",
        input(json!([image("a", "1.jpg"), image("b", "2.jpg")])),
    );
    let done = json!({ "id": "a", "status": "ok", "variants": [] });
    job.steps.insert("photograph/1".into(), raw(&done));
    let output = run_job::<ProcessImages>(&host, &config(&[]), job).expect("a result");
    assert_eq!(output["images"][0], done);
    let fetched = host.fetches.borrow();
    assert!(
        !fetched
            .iter()
            .any(|request| request.url.ends_with("/photos/1.jpg"))
    );
}

#[test]
fn no_two_photographs_are_in_memory_at_a_time_whichever_jobs_they_are_of() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects);
    let (config, signals, crash_record) = (config(&[]), Signals::default(), CrashRecord::default());
    let run = RunContext::new(&host, &config, &signals, &crash_record, 0, "test-worker");
    let contexts = ["one", "two"].map(|prefix| {
        let input = json!({
            "images": [image("a", "1.jpg")],
            "output": { "bucket": "out", "prefix": prefix },
        });
        JobContext::new(&run, job("process_images", input))
    });
    let [one, two] = &contexts;
    let both = futures_util::future::join(
        crate::handler::attempt::<ProcessImages, _>(one),
        crate::handler::attempt::<ProcessImages, _>(two),
    );
    let (one, two) = host.run(both);
    assert!(one.is_ok() && two.is_ok());
    let fetches = host.fetches.borrow();
    let source = |request: &HttpRequest| request.url.ends_with("/photos/1.jpg");
    let starts: Vec<usize> = (0..fetches.len())
        .filter(|at| source(&fetches[*at]))
        .collect();
    // The file, a look at three places, three uploads.
    assert_eq!(starts, [0, 7]);
}
