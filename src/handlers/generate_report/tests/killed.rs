//! A worker can die at any moment. Here it does at each: whenever it speaks to the database, to Grok or to the
//! photos' server, once before the request arrives and once after. The job goes on with what the dead worker saved.

use super::workers::{Death, Workers};
use super::*;

const QUESTIONS: [&str; 5] = [
    "p1 p2 p3 p4 p5",
    "p6 p7",
    "p7",
    "n1",
    "o1 o2 o3 o4 o5 o6 o7 o8",
];

/// The report of a worker that nobody kills, and how many requests it made.
fn undisturbed() -> (Value, usize) {
    let workers = Workers::that_die(None);
    let report = workers.until_done();
    check_payments(&workers);
    let requests = workers.surroundings.borrow().requests;
    (report, requests)
}

/// Everything was asked once, and what a worker took with it once more.
fn check_payments(workers: &Workers) {
    let surroundings = workers.surroundings.borrow();
    let (mut asked, mut paid) = (surroundings.asked.clone(), QUESTIONS.to_vec());
    paid.extend(surroundings.lost.iter().map(String::as_str));
    asked.sort_unstable();
    paid.sort_unstable();
    assert_eq!(asked, paid, "{:?}", surroundings.death);
}

/// The same report, whatever the way to it took.
fn same(report: &Value, expected: &Value) -> bool {
    let without_stats = |report: &Value| {
        let mut report = report.clone();
        report["stats"].take();
        report
    };
    without_stats(report) == without_stats(expected)
}

/// Whether people who wait see the job go forward only, whatever becomes of its workers.
fn goes_forward(progress: &[Value]) -> bool {
    let place = |progress: &Value| {
        let phases = ["photos", "notes", "final", "save"];
        let phase = phases.iter().position(|phase| progress["phase"] == *phase);
        (phase.expect("a known phase"), progress["done"].as_u64())
    };
    let is_whole = |progress: &Value| progress["total"] == 7 && progress["message"] != "";
    progress.iter().map(place).is_sorted() && progress.iter().all(is_whole)
}

#[test]
fn people_who_wait_see_how_far_the_job_is() {
    let workers = Workers::that_die(None);
    workers.until_done();
    let surroundings = workers.surroundings.borrow();
    let seen = surroundings.progress.iter().map(|progress| {
        let (phase, message) = (&progress["phase"], &progress["message"]);
        format!("{phase} {} {message}", progress["done"])
    });
    let mut seen: Vec<String> = seen.collect();
    seen.dedup();
    let expected = [
        r#""photos" 0 "writing about the photos""#,
        r#""photos" 2 "writing about the photos""#,
        r#""notes" 7 "writing about the notes""#,
        r#""final" 7 "putting the report in order""#,
        r#""save" 7 "saving the report""#,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn killed_at_any_moment_only_the_calls_under_way_are_made_again() {
    let (expected, requests) = undisturbed();
    for request in 1..=requests {
        for death in [Death::Before(request), Death::After(request)] {
            let workers = Workers::that_die(Some(death));
            assert!(workers.next(), "killed {death:?}");
            let report = workers.until_done();
            assert!(same(&report, &expected), "{death:?}: {report}");
            assert_eq!(workers.surroundings.borrow().report, expected["text"]);
            check_payments(&workers);
            let progress = &workers.surroundings.borrow().progress;
            assert!(goes_forward(progress), "{death:?}: {progress:#?}");
        }
    }
}

#[test]
fn killed_at_any_moment_a_report_whose_answers_come_later_asks_again_only_for_what_was_on_its_way()
{
    let (expected, _) = undisturbed();
    let workers = Workers::that_wait(None);
    assert!(same(&workers.until_done(), &expected));
    check_payments(&workers);
    assert!(workers.surroundings.borrow().lost.is_empty());
    let requests = workers.surroundings.borrow().requests;
    for request in 1..=requests {
        for death in [Death::Before(request), Death::After(request)] {
            let workers = Workers::that_wait(Some(death));
            let report = workers.until_done();
            assert!(same(&report, &expected), "{death:?}: {report}");
            check_payments(&workers);
            let progress = &workers.surroundings.borrow().progress;
            assert!(goes_forward(progress), "{death:?}: {progress:#?}");
        }
    }
}

#[test]
fn a_report_whose_workers_are_killed_again_and_again_is_finished() {
    let (expected, _) = undisturbed();
    for death in [Death::AfterAStep, Death::InACall] {
        let workers = Workers::that_die(Some(death));
        assert!(same(&workers.until_done(), &expected));
        check_payments(&workers);
        let surroundings = workers.surroundings.borrow();
        assert!(goes_forward(&surroundings.progress), "{death:?}");
    }
}

#[test]
fn one_call_at_a_time_no_worker_takes_an_answer_with_it_that_it_could_have_kept() {
    let workers = Workers::one_call_at_a_time(Death::AfterAStep);
    workers.until_done();
    check_payments(&workers);
    assert!(workers.surroundings.borrow().lost.is_empty());
}
