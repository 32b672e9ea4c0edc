use super::*;

/// The report of a visit whose `save_report` is answered by `reply`.
fn saved(reply: impl Fn() -> Reply + 'static) -> (Result<Value, JobError>, ScriptedHost) {
    let host = world(|_| None).on_rpc(move |function, _| match function {
        "save_report" => reply(),
        _ => held(),
    });
    (run_input(&host, input(1, json!({}))), host)
}

#[test]
fn the_report_is_written_to_its_row_under_the_jobs_lease() {
    let host = world(|_| None);
    let job = job("generate_report", input(1, json!({})));
    let report = run(&host, job.clone()).expect("the report is written");
    let calls = host.calls_of("save_report");
    let save = &calls[0];
    assert_eq!(save["job_id"], job.id.to_string());
    assert_eq!(save["lease_token"], job.lease_token.to_string());
    assert_eq!(save["report_id"], "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11");
    assert_eq!(save["generated_content"], report["text"]);
    let child = json!({
        "id": "o1", "number": "1.1", "bodyMd": ["Statement about p1."],
        "images": [{ "imageId": "photo-1", "number": 1, "group": ["Roof"] }],
    });
    let section =
        json!({ "id": "section-1", "number": "1.", "title": "Roof", "children": [child] });
    assert_eq!(save["sections_json"]["sections"][0], section);
}

#[test]
fn a_report_that_is_not_to_be_written_is_a_warning() {
    let places: [(Script, &str, &str); 5] = [
        (
            || Reply::json(200, json!("missing")),
            "report_not_saved",
            "there is no report with this reportId",
        ),
        (
            || Reply::json(200, json!("edited")),
            "report_edited",
            "somebody has edited the report since the job was enqueued",
        ),
        (
            || Reply::json(200, json!("superseded")),
            "report_edited",
            "a job that was enqueued later has written the report",
        ),
        (
            || Reply::json(404, json!({ "code": "PGRST202", "message": "not found" })),
            "report_not_saved",
            "the project has no function save_report",
        ),
        (
            || {
                Reply::json(
                    400,
                    json!({ "code": "42P01", "message": "relation does not exist" }),
                )
            },
            "report_not_saved",
            "save_report: relation does not exist (status 400, code 42P01)",
        ),
    ];
    for (reply, code, reason) in places {
        let report = saved(reply).0.expect("the report is written");
        assert_eq!(warnings(&report), [(code, "")]);
        let message = report["warnings"][0]["message"]
            .as_str()
            .unwrap_or_default();
        assert!(message.ends_with(reason), "{message}");
        assert_eq!(report["status"], "complete");
    }
}

#[test]
fn a_job_that_is_no_longer_this_workers_writes_no_report() {
    let refused = |code: &'static str| json!({ "code": code, "message": "refused" });
    let (lost, _) = saved(move || Reply::json(400, refused("JQ002")));
    assert_eq!(lost, Err(JobError::LeaseLost));
    let (cancelled, _) = saved(move || Reply::json(400, refused("JQ001")));
    assert_eq!(cancelled, Err(JobError::Cancelled));
}

#[test]
fn a_report_that_was_saved_is_not_saved_again_and_one_that_was_not_stays_so() {
    let check = |answer: &'static str, warned: &[(&str, &str)]| {
        let first = world(|_| None).on_rpc(move |function, _| match function {
            "save_report" => Reply::json(200, json!(answer)),
            _ => held(),
        });
        let job = job("generate_report", input(1, json!({})));
        run(&first, job.clone()).expect("the report is written");
        let second = world(|_| None);
        let report = run(&second, next_attempt(&first, job)).expect("the report is written");
        assert!(second.calls_of("save_report").is_empty());
        assert_eq!(warnings(&report), warned);
    };
    check("saved", &[]);
    check("edited", &[("report_edited", "")]);
}

#[test]
fn the_tree_for_the_editor_says_what_the_text_says() {
    let host = world(|call| {
        let point =
            |kind, spec| json!({ "text": format!("The {kind}."), "kind": kind, "spec": spec });
        let points = json!([point("deficiency", Some("s1")), point("action", None)]);
        let reply = json!({ "photos": [{ "p": "p1", "title": "Lap", "points": points }] });
        (call.name == "report_batch").then(|| completion(&reply.to_string()))
    });
    let clauses = json!([{ "document": "Specification", "section": "07 52 00" }]);
    report(&host, input(1, json!({ "specifications": clauses })));
    let saves = host.calls_of("save_report");
    let child = &saves[0]["sections_json"]["sections"][0]["children"][0];
    let expected = json!([
        "The deficiency. (Specification, 07 52 00)",
        "Action: The action."
    ]);
    assert_eq!(child["bodyMd"], expected);
}
