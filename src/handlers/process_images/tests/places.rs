//! What Storage says to the variants.

use serde_json::{Value, json};

use super::{PHOTO, answer, host, image, input, run, statuses, storage};
use crate::error::JobError;
use crate::host::{Method, TransportError};
use crate::testing::Reply;

#[test]
fn nothing_is_put_over_what_no_job_has_made() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects);
    run(&host, input(json!([image("a", "1.jpg")]))).expect("a result");
    let (path, foreign) = {
        let mut objects = objects.borrow_mut();
        let (path, object) = objects
            .range_mut("out/".to_owned()..)
            .next()
            .expect("a variant");
        *object = (b"somebody's".to_vec(), Value::Null);
        (path.clone(), object.clone())
    };
    let output = run(&host, input(json!([image("a", "1.jpg")]))).expect("a result");
    let error = output["images"][0]["error"].as_str().expect("a reason");
    assert!(error.starts_with("something else is at visit/"), "{error}");
    assert_eq!(objects.borrow().get(&path), Some(&foreign));
}

#[test]
fn storage_that_stumbles_is_asked_again_and_one_that_stays_away_costs_an_attempt() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects);
    let script = objects.clone();
    let mut failures = 0;
    let host = host.on_fetch(move |request| {
        failures += 1;
        match failures % 3 {
            0 => answer(&mut script.borrow_mut(), request),
            1 if failures > 1 => {
                Reply::json(400, json!({ "statusCode": "503", "message": "busy" }))
            }
            1 => answer(&mut script.borrow_mut(), request),
            _ => Reply::error(TransportError::TimedOut),
        }
    });
    // The fetch of the photograph comes first, and succeeds.
    let output = run(&host, input(json!([image("a", "1.jpg")]))).expect("a result");
    assert_eq!(statuses(&output), ["ok"]);
    let script = objects.clone();
    let host = host.on_fetch(move |request| match request.url.contains("/info/") {
        true => Reply::error(TransportError::TimedOut),
        false => answer(&mut script.borrow_mut(), request),
    });
    let error = run(&host, input(json!([image("a", "1.jpg")])));
    let expected = JobError::retryable("Storage, no answer in time");
    assert_eq!(error, Err(expected));
}

#[test]
fn a_bucket_that_is_missing_fails_the_job_for_good() {
    let objects = storage(&[("1.jpg", &PHOTO)]);
    let host = host(&objects).on_fetch(move |request| match request.method {
        Method::Post => Reply::json(
            400,
            json!({ "statusCode": "404", "message": "Bucket not found" }),
        ),
        Method::Get => answer(&mut objects.borrow_mut(), request),
    });
    let error = run(&host, input(json!([image("a", "1.jpg")])));
    let expected = "input_data.output: Storage refuses the variants with 404: Bucket not found";
    assert_eq!(error, Err(JobError::permanent(expected)));
}
