use super::*;

/// An answer to a call, out of a table.
type AnswerTo = fn(&Call) -> Reply;

/// The report of a visit whose final step is answered by `reply`, however often it is asked.
fn report_with_plan(reply: AnswerTo) -> (Value, ScriptedHost) {
    let host = world(move |call| (call.name == "report_plan").then(|| reply(call)));
    let job = job(
        "generate_report",
        input(2, json!({ "groupOrder": ["Roof"] })),
    );
    let paid_plan = config(&[("QUEUE_WALL_CLOCK_SECONDS", "400")]);
    let report = run_job::<GenerateReport>(&host, &paid_plan, job);
    (report.expect("the report is written"), host)
}

#[test]
fn a_final_step_that_fails_in_any_way_leaves_a_complete_report() {
    let failures: [(&str, usize, AnswerTo); 9] = [
        ("grok answered 500: Oh no", 3, |_| {
            Reply::json(500, json!({ "error": "Oh no" }))
        }),
        ("grok: no answer in time", 1, |_| Reply::never()),
        ("grok is not available at the moment", 1, |_| {
            Reply::bytes(401, "")
        }),
        ("the answer was cut at the token limit", 2, |_| {
            finished(r#"{"sections":["#, "length")
        }),
        ("the plan is not JSON of the shape asked for", 2, |_| {
            completion(r#"{"sections":1}"#)
        }),
        ("the answer is empty", 2, |_| completion("")),
        ("the plan leaves out 1 of 3 observations", 2, |_| {
            plan(&["o1", "o3"])
        }),
        ("the plan names o1 twice", 2, |_| plan(&["o1", "o2", "o1"])),
        (
            "the plan names an observation that does not exist",
            2,
            |_| plan(&["o1", "o2", "o9"]),
        ),
    ];
    for (reason, calls, reply) in failures {
        let (report, host) = report_with_plan(reply);
        assert_eq!(
            report["formatting"],
            json!({ "mode": "deterministic", "reason": reason })
        );
        assert_eq!(report["status"], "degraded", "{reason}");
        assert_eq!(report["success"], true);
        assert_eq!(
            report["message"],
            "Report generated with partial formatting"
        );
        assert_eq!(report["summary"], json!([]));
        let expected = [
            ("Roof", vec!["Statement about p1.", "Statement about p2."]),
            ("General Observations", vec!["Statement about n1."]),
        ];
        assert_eq!(body(&report), expected, "{reason}");
        assert!(!report["text"].as_str().unwrap_or_default().contains(reason));
        assert_eq!(asked(&host).len() - 2, calls, "{reason}");
    }
}

fn plan(items: &[&str]) -> Reply {
    let sections = json!([{ "title": "Roof", "items": items }]);
    completion(&json!({ "sections": sections, "summary": [] }).to_string())
}

#[test]
fn a_final_step_that_failed_once_is_asked_for_again() {
    let mut calls = 0;
    let host = world(move |call| {
        calls += u32::from(call.name == "report_plan");
        (call.name == "report_plan" && calls == 1).then(|| Reply::bytes(502, "<html>"))
    });
    let report = report(&host, input(2, json!({})));
    assert_eq!(report["status"], "complete");
}

#[test]
fn a_long_wait_is_not_worth_an_order() {
    let (report, host) = report_with_plan(|_| Reply::bytes(429, "").header("retry-after", "60"));
    assert_eq!(report["status"], "degraded");
    assert_eq!(asked(&host).len(), 3);
}

#[test]
fn a_final_step_that_takes_all_the_time_there_is_leaves_the_saving_to_the_next_worker() {
    let job = job("generate_report", input(2, json!({})));
    let first = world(|call| (call.name == "report_plan").then(Reply::never));
    assert_eq!(run(&first, job.clone()), Err(JobError::HandOver));
    assert!(first.calls_of("save_report").is_empty());
    let second = world(|_| None);
    let report = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert!(second.fetches.borrow().is_empty());
    assert_eq!(report["status"], "degraded");
    assert_eq!(second.calls_of("save_report").len(), 1);
}

#[test]
fn the_outcome_of_the_final_step_is_kept_even_if_it_is_none() {
    let job = job("generate_report", input(2, json!({})));
    let first = world(|call| (call.name == "report_plan").then(|| Reply::bytes(401, "")));
    run(&first, job.clone()).expect("the report is written");
    let second = world(|_| None);
    let report = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert!(second.fetches.borrow().is_empty());
    assert_eq!(report["status"], "degraded");
}
