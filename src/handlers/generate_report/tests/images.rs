use super::*;
use crate::host::TransportError;

/// The report of three photos of which the second is answered by `reply`, and the world it was made in.
fn report_with_photo(reply: fn() -> Reply) -> (Value, ScriptedHost) {
    let host = world(|_| None).on_fetch(move |request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None if request.url.ends_with("/2.jpg") => reply(),
        None => Reply::bytes(200, JPEG),
    });
    let report = report(&host, input(3, json!({})));
    (report, host)
}

fn photo_requests(host: &ScriptedHost) -> Vec<HttpRequest> {
    let fetches = host.fetches.borrow();
    fetches
        .iter()
        .filter(|request| request.body.is_none())
        .cloned()
        .collect()
}

#[test]
fn a_photo_that_cannot_be_had_is_written_about_from_its_description() {
    let failures: [(&str, Script); 10] = [
        ("image_not_found", || Reply::bytes(404, "no such photo")),
        ("image_not_found", || Reply::bytes(403, "")),
        ("image_not_found", || {
            Reply::json(400, json!({ "statusCode": "404" }))
        }),
        ("image_too_large", || {
            Reply::bytes(200, vec![0xff; (10 << 20) + 1])
        }),
        ("image_unsupported", || {
            Reply::bytes(200, "<html>please log in</html>")
        }),
        ("image_unsupported", || {
            Reply::bytes(200, &JPEG[..JPEG.len() - 1])
        }),
        ("image_unsupported", || {
            Reply::bytes(200, "\u{89}PNG\r\n\u{1a}\n")
        }),
        ("image_unreachable", Reply::never),
        ("image_unreachable", || Reply::bytes(503, "")),
        ("image_unreachable", || {
            Reply::error(TransportError::Failed("refused".into()))
        }),
    ];
    for (code, reply) in failures {
        let (report, host) = report_with_photo(reply);
        assert_eq!(warnings(&report), [(code, "photo-2")]);
        assert_eq!(report["status"], "complete");
        assert_eq!(body(&report)[0].1[1], "Statement about p2.");
        assert_eq!(report["photos"][1]["w"], json!(null));
        for_each_call(&host, |call| {
            if call.name == "report_batch" {
                assert_eq!(call.images(), 2);
                assert!(
                    call.text
                        .contains("Image: not available; write from the description alone")
                );
            }
        });
    }
}

#[test]
fn a_server_that_stumbles_is_asked_for_the_photo_again() {
    let mut requests = 0;
    let host = world(|_| None).on_fetch(move |request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None => {
            requests += 1;
            match requests {
                1 => Reply::bytes(503, ""),
                _ => Reply::bytes(200, JPEG),
            }
        }
    });
    let report = report(&host, input(1, json!({})));
    assert_eq!(report["warnings"], json!([]));
}

#[test]
fn about_a_photo_neither_seen_nor_described_the_model_is_not_asked() {
    let host = world(|_| None).on_fetch(|request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None => Reply::bytes(404, ""),
    });
    let mut input = input(2, json!({}));
    input["images"][1]["description"] = json!("");
    let report = report(&host, input);
    assert_eq!(asked(&host)[0], "p1");
    assert_eq!(
        body(&report)[0].1,
        ["Statement about p1.", "Photograph without a description."]
    );
    let codes = warnings(&report);
    assert_eq!(
        codes,
        [
            ("image_not_found", "photo-1"),
            ("image_not_found", "photo-2"),
            ("own_words", "photo-2")
        ]
    );
}

#[test]
fn photos_too_large_for_one_request_go_into_several_and_each_is_kept() {
    let large = || {
        let mut photo = JPEG.to_vec();
        photo.resize(4 << 20, 0);
        photo
    };
    let host = world(|_| None).on_fetch(move |request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None => Reply::bytes(200, large()),
    });
    let report = report(&host, input(5, json!({})));
    assert_eq!(asked(&host)[..3], ["p1 p2", "p3 p4", "p5"]);
    assert_eq!(report["warnings"], json!([]));
    assert_eq!(body(&report)[0].1.len(), 5);
    assert_eq!(photo_requests(&host).len(), 5, "none is fetched in vain");
    assert_eq!(report["stats"]["batches"], 4);
    assert_eq!(
        step_names(&host),
        ["batch/0", "batch/0/2", "batch/0/3", "final", "save"]
    );
}

#[test]
fn the_key_goes_to_storage_for_stored_photos_and_nowhere_else() {
    let host = world(|_| None);
    let mut input = input(2, json!({}));
    input["images"][0] =
        json!({ "bucket": "photos", "path": "north/1.jpg", "description": "a lap" });
    report(&host, input);
    let requests = photo_requests(&host);
    let stored = "http://supabase.test/storage/v1/object/authenticated/photos/north/1.jpg";
    assert_eq!(requests[0].url, stored);
    assert_eq!(
        requests[0].headers,
        [("apikey".into(), "sb_secret_test".into())]
    );
    assert_eq!(requests[1].url, "https://photos.test/2.jpg");
    assert!(requests[1].headers.is_empty());
}

#[test]
fn by_url_the_worker_fetches_only_what_has_none() {
    let host = world(|_| None);
    let mut input = input(2, json!({ "options": { "imageTransport": "url" } }));
    input["images"][0] = json!({ "bucket": "photos", "path": "1.jpg", "description": "a lap" });
    report(&host, input);
    assert_eq!(photo_requests(&host).len(), 1);
    for_each_call(&host, |call| {
        if call.name == "report_batch" {
            assert_eq!(call.images(), 2);
            assert!(
                call.body
                    .to_string()
                    .contains(r#""url":"https://photos.test/2.jpg""#)
            );
        }
    });
}

#[test]
fn an_address_that_is_not_called_costs_the_report_its_photo_and_is_not_shown() {
    for transport in ["base64", "url"] {
        let host = world(|_| None);
        let mut input = input(3, json!({ "options": { "imageTransport": transport } }));
        input["images"][1]["url"] = json!("https://169.254.169.254/latest/meta-data?token=1");
        let report = report(&host, input);
        assert_eq!(warnings(&report), [("image_address", "photo-2")]);
        let expected = "the photo was not seen, only its description: its address is not called, expected the address of \
            a public server, not one of a private network";
        assert_eq!(report["warnings"][0]["message"], expected);
        assert_eq!(report["status"], "complete");
        assert!(!report.to_string().contains("169.254"));
        let fetches = host.fetches.borrow();
        let sent = fetches.iter().map(|request| format!("{request:?}"));
        assert!(sent.into_iter().all(|sent| !sent.contains("169.254")));
    }
}

/// A reply that redirects.
fn redirect(to: &str) -> Reply {
    Reply::bytes(302, "").header("location", to)
}

#[test]
fn a_photo_is_fetched_where_its_server_redirects_to_twice_at_most() {
    let replies: [(Script, Option<&str>); 8] = [
        (|| redirect("https://cdn.test/moved.jpg"), None),
        (|| redirect("/moved.jpg"), None),
        (|| redirect("https://cdn.test/once/moved.jpg"), None),
        (
            || redirect("https://photos.test/2.jpg"),
            Some("image_address"),
        ),
        (
            || redirect("http://cdn.test/moved.jpg"),
            Some("image_address"),
        ),
        (
            || redirect("https://127.0.0.1/moved.jpg"),
            Some("image_address"),
        ),
        (
            || redirect("https://localhost/moved.jpg"),
            Some("image_address"),
        ),
        (|| Reply::bytes(302, ""), Some("image_not_found")),
    ];
    for (reply, code) in replies {
        let host = world(|_| None).on_fetch(move |request| match Call::of(request) {
            Some(call) => completion(&call.answer().to_string()),
            None if request.url.ends_with("/2.jpg") => reply(),
            None if request.url.contains("/once/") => redirect("../moved.jpg"),
            None => Reply::bytes(200, JPEG),
        });
        let report = report(&host, input(3, json!({})));
        let expected: Vec<_> = code.map(|code| (code, "photo-2")).into_iter().collect();
        assert_eq!(warnings(&report), expected);
        let said = report["warnings"].to_string();
        assert!(!said.contains("moved") && !said.contains(".test"));
    }
}

#[test]
fn the_key_is_never_redirected() {
    let host = world(|_| None).on_fetch(|request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None => redirect("https://elsewhere.test/1.jpg"),
    });
    let mut input = input(1, json!({}));
    input["images"][0]["bucket"] = json!("photos");
    input["images"][0]["path"] = json!("1.jpg");
    let report = report(&host, input);
    assert_eq!(warnings(&report), [("image_not_found", "photo-1")]);
    assert_eq!(photo_requests(&host).len(), 1);
}

#[test]
fn a_photo_on_its_side_is_told_to_the_model_and_measured_as_it_is_shown() {
    let on_its_side = || {
        let exif =
            b"\xff\xe1\0\x1eExif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
        let (start, rest) = JPEG.split_at(2);
        Reply::bytes(200, [start, exif, rest].concat())
    };
    let host = world(|_| None).on_fetch(move |request| match Call::of(request) {
        Some(call) => completion(&call.answer().to_string()),
        None => on_its_side(),
    });
    let mut input = input(2, json!({}));
    input["images"][1]["rotation"] = json!(300);
    let report = report(&host, input);
    for_each_call(&host, |call| {
        if call.name == "report_batch" {
            for degrees in [90, 30] {
                let told = format!("turn it {degrees} degrees clockwise to see it upright");
                assert!(call.text.contains(&told), "{}", call.text);
            }
        }
    });
    let photo = &report["photos"][1];
    let measures = ["w", "h", "rotation"].map(|name| photo[name].clone());
    assert_eq!(measures, [json!(1200), json!(1600), json!(300)]);
}
