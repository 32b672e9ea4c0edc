//! What a report may cost, and what it is when that is not enough. A call in these tests costs 0.001 dollars.

use super::*;

/// The input of a report about seven photos that may cost so much.
fn limited(usd: f64) -> Value {
    input(7, json!({ "options": { "maxCostUsd": usd } }))
}

#[test]
fn no_call_is_made_once_the_limit_is_reached_and_what_is_done_is_the_report() {
    let host = world(|_| None);
    let report = report(&host, limited(0.001));
    assert_eq!(asked(&host), ["p1 p2 p3 p4 p5"]);
    assert_eq!(
        (&report["status"], &report["success"], &report["message"]),
        (
            &json!("partial"),
            &json!(true),
            &json!("Report generated in part: it reached its cost limit")
        )
    );
    assert_eq!(body(&report)[0].1.len(), 7);
    assert_eq!(
        body(&report)[0].1[4..6],
        ["Statement about p5.", "open lap number 6."]
    );
    assert_eq!(report["stats"]["costUsd"], 0.001);
    let warning = &report["warnings"][0];
    assert_eq!(warning["code"], "cost_limit");
    let message = "the report has cost what options.maxCostUsd allows: nothing was asked about 3 photos and notes";
    assert_eq!(warning["message"], message);
}

#[test]
fn a_limit_that_only_the_order_would_exceed_leaves_the_engineers_order() {
    let host = world(|_| None);
    let report = report(&host, limited(0.003));
    assert_eq!(asked(&host).len(), 3);
    assert_eq!(report["status"], "partial");
    assert_eq!(report["formatting"]["mode"], "deterministic");
    assert_eq!(report["warnings"], json!([]));
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let host = world(|_| None);
    let report = report(&host, limited(0.0041));
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["costUsd"], 0.004);
}

#[test]
fn earlier_runs_count_and_what_they_paid_for_is_used() {
    let first = world(|call| {
        let is_second = call.ids("Photo").contains(&"p6".into());
        is_second.then(|| Reply::bytes(401, ""))
    });
    let job = job("generate_report", limited(0.002));
    assert!(run(&first, job.clone()).is_err());
    let second = world(|_| None);
    let report = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert_eq!(asked(&second), ["p6 p7"]);
    assert_eq!(report["status"], "partial");
    assert_eq!(report["stats"]["costUsd"], 0.002);
    assert_eq!(body(&report)[0].1[6], "Statement about p7.");
}

#[test]
fn an_answer_of_no_use_is_not_asked_for_again_beyond_the_limit() {
    let host = world(|call| (call.name == "report_batch").then(|| completion("prose")));
    let report = report(&host, limited(0.002));
    assert_eq!(asked(&host), ["p1 p2 p3 p4 p5", "p1 p2 p3 p4 p5"]);
    assert_eq!(report["status"], "partial");
    assert_eq!(body(&report)[0].1[0], "open lap number 1.");
}
