//! xAI's API where it defers its answers, and runs of a job in isolate after isolate.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::handler::JobContext;
use crate::isolate::{CrashRecord, RunContext, Signals};

/// An API that defers, as xAI describes it.
#[derive(Default)]
pub(super) struct Xai {
    /// By request id: from when on the answer is there, and what was asked.
    pub(super) deferred: BTreeMap<String, (u64, Value)>,
    /// By step: when the isolate began that began it first.
    begun: BTreeMap<String, u64>,
    /// Everything that happened, in order.
    pub(super) events: Vec<String>,
}

pub(super) type SharedXai = Rc<RefCell<Xai>>;

/// How a test changes what comes back, if it does: for a look or a question, by what is asked about.
pub(super) type Change = fn(&str, &str) -> Option<Reply>;

/// A world whose API has each answer after `delay_ms` and gives it out once. `xai` outlives the world.
pub(super) fn deferring(
    xai: &SharedXai,
    started_ms: u64,
    delay_ms: u64,
    change: Change,
) -> ScriptedHost {
    let host = world(|_| None);
    let clock = host.clock();
    clock.set(started_ms);
    let (log, api) = (xai.clone(), xai.clone());
    let host = host.on_rpc(move |function, arguments| {
        let name = arguments["name"].as_str().unwrap_or_default();
        let mut log = log.borrow_mut();
        if function == "save_report" {
            return Reply::json(200, json!("saved"));
        }
        if function == "save_job_step" {
            log.events.push(format!("save {name}"));
            return held();
        }
        let began_ms = *log.begun.entry(name.into()).or_insert(started_ms);
        let is_again = began_ms != started_ms;
        Reply::json(200, json!(if is_again { "again" } else { "held" }))
    });
    host.on_fetch(move |request| match Call::of(request) {
        Some(call) => api.borrow_mut().ask(&call, clock.get() + delay_ms, change),
        None => match request.url.split_once("/deferred-completion/") {
            Some((_, id)) => api.borrow_mut().look(id, clock.get(), change),
            None => Reply::bytes(200, JPEG),
        },
    })
}

impl Xai {
    pub(super) fn ask(&mut self, call: &Call, ready_at_ms: u64, change: Change) -> Reply {
        let about = call.all_ids().join(" ");
        self.events.push(format!("ask {about}"));
        if let Some(reply) = change("ask", &about) {
            return reply;
        }
        assert_eq!(call.body["deferred"], true);
        let id = format!("id-{}", self.deferred.len());
        let answer = json!({ "about": about, "content": call.answer().to_string() });
        self.deferred.insert(id.clone(), (ready_at_ms, answer));
        Reply::json(200, json!({ "request_id": id }))
    }

    pub(super) fn look(&mut self, id: &str, now_ms: u64, change: Change) -> Reply {
        let about = self
            .deferred
            .get(id)
            .map(|(_, answer)| answer["about"].to_string());
        let about = about.unwrap_or_default().replace('"', "");
        self.events.push(format!("look {about}"));
        if let Some(reply) = change("look", &about) {
            return reply;
        }
        match self.deferred.get(id) {
            None => Reply::json(
                404,
                json!({ "code": "not-found", "error": "No such request" }),
            ),
            Some((ready_at_ms, _)) if *ready_at_ms > now_ms => Reply::bytes(202, ""),
            Some((_, answer)) => {
                let content = answer["content"].as_str().unwrap_or_default().to_owned();
                self.deferred.remove(id);
                completion(&content)
            }
        }
    }

    pub(super) fn asked(&self) -> Vec<&str> {
        let asked = self
            .events
            .iter()
            .filter_map(|event| event.strip_prefix("ask "));
        asked.collect()
    }

    pub(super) fn times_asked(&self, about: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|other| **other == about).count()
    }

    pub(super) fn looks(&self) -> usize {
        self.events
            .iter()
            .filter(|event| event.starts_with("look"))
            .count()
    }
}

pub(super) fn unchanged(_: &str, _: &str) -> Option<Reply> {
    None
}

/// One run in an isolate that began `age_ms` ago.
pub(super) fn run_in_isolate(
    host: &ScriptedHost,
    age_ms: u64,
    job: Job,
) -> Result<Value, JobError> {
    let config = config(&[("GROK_TRANSPORT", "deferred")]);
    let (signals, crash_record) = (Signals::default(), CrashRecord::default());
    let started_ms = host.clock().get() - age_ms;
    let isolate = RunContext::new(
        host,
        &config,
        &signals,
        &crash_record,
        started_ms,
        "test-worker",
    );
    let context = JobContext::new(&isolate, job);
    run_attempt::<GenerateReport>(host, &context)
}

pub(super) fn run_deferred(host: &ScriptedHost, job: Job) -> Result<Value, JobError> {
    run_in_isolate(host, 0, job)
}

pub(super) fn report_job(photos: usize) -> Job {
    job(
        "generate_report",
        input(photos, json!({ "options": { "writeReport": false } })),
    )
}

/// Runs a job in isolate after isolate, each beginning when the last one's job is due, until it is done.
pub(super) fn run_to_end(
    xai: &SharedXai,
    mut job: Job,
    delay_ms: u64,
    change: Change,
) -> (Value, u32) {
    let mut now_ms = 0;
    for runs in 1..100 {
        let host = deferring(xai, now_ms, delay_ms, change);
        match run_deferred(&host, job.clone()) {
            Ok(report) => return (report, runs),
            Err(JobError::Snoozed { seconds }) => {
                now_ms = host.clock().get() + u64::from(seconds) * 1_000;
                job = next_run(&host, job);
            }
            Err(error) => panic!("{error:?} uses up an attempt"),
        }
    }
    panic!("the job is put off for ever")
}

/// The same job as the next isolate claims it, no attempt having been used up.
pub(super) fn next_run(host: &ScriptedHost, job: Job) -> Job {
    let retry_count = job.retry_count;
    Job {
        retry_count,
        ..next_attempt(host, job)
    }
}
