//! Workers that can be killed, and what they leave behind: a database, Grok, a photos' server.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::*;
use crate::handler::Registration;
use crate::isolate::CrashRecord;
use crate::isolate::RunContext;
use crate::isolate::Signals;
use crate::worker;

/// Long enough for signs of life while Grok thinks, and longer the more it is asked about.
const GROK_TAKES_MS: u32 = 12_000;
const AND_FOR_EACH_LETTER_MS: u32 = 200;
/// More than one run has looks for.
const LOOKS_IN_VAIN: u32 = 7;

/// Everything that is not a worker.
#[derive(Default)]
pub(super) struct Surroundings {
    /// Requests of all workers so far, those included that never arrived.
    pub(super) requests: usize,
    /// When a worker is killed.
    pub(super) death: Option<Death>,
    is_killed: bool,
    /// Whether this worker has the job.
    is_claimed: bool,
    pub(super) steps: serde_json::Map<String, Value>,
    /// What Grok was asked about, call by call.
    pub(super) asked: Vec<String>,
    /// What Grok was asked about, or has answered, and no finished step knows of.
    unsaved: Vec<String>,
    /// Whether Grok answers later.
    defers: bool,
    /// Deferred answers by their ids, and how often somebody has looked for each.
    deferred: Vec<(String, Reply, u32)>,
    /// What was so when a worker was killed.
    pub(super) lost: Vec<String>,
    /// What stands in the application's table.
    pub(super) report: Value,
    /// What stood in the job's row, one after the other.
    pub(super) progress: Vec<Value>,
    /// The result of the job.
    pub(super) output: Option<Value>,
}

/// When a worker is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// Before this request arrives.
    Before(usize),
    /// After this request arrived, before its answer does.
    After(usize),
    /// As soon as it has saved a step.
    AfterAStep,
    /// Whenever it asks Grok something for the first time.
    InACall,
}

impl Surroundings {
    /// Answers a request, unless the worker is killed before it arrives.
    fn meet(&mut self, answer: impl FnOnce(&mut Self) -> Reply) -> Reply {
        self.requests += 1;
        let [before, after] = [Death::Before, Death::After].map(|at| Some(at(self.requests)));
        self.is_killed |= self.death == before || self.death == after;
        match self.death == before {
            true => Reply::never(),
            false => answer(self),
        }
    }

    fn rpc(&mut self, job: &Job, function: &str, arguments: &Value) -> Reply {
        match function {
            "finish_and_claim_jobs" => self.exchange(job, arguments),
            "heartbeat_jobs" => {
                self.progress(&arguments["jobs"][0]["progress"]);
                Reply::json(200, json!(["held"]))
            }
            "start_job_step" => held(),
            "save_job_step" => {
                let name = arguments["name"].as_str().expect("a step has a name");
                let question = self.question_of(name, &arguments["result"]);
                self.unsaved
                    .retain(|known| Some(known) != question.as_ref());
                let known = self.steps.insert(name.into(), arguments["result"].clone());
                assert_eq!(known, None, "{name} is saved once");
                self.progress(&arguments["progress"]);
                self.is_killed |= self.death == Some(Death::AfterAStep);
                held()
            }
            "save_report" => {
                self.report = arguments["generated_content"].clone();
                Reply::json(200, json!("saved"))
            }
            other => panic!("unexpected call of {other}"),
        }
    }

    fn exchange(&mut self, job: &Job, arguments: &Value) -> Reply {
        let results = arguments["results"].as_array().expect("results are a list");
        for result in results {
            match result["outcome"].as_str() {
                Some("completed") => self.output = Some(result["output_data"].clone()),
                Some("released") => assert!(result["retry_after_seconds"].is_number()),
                other => panic!("unexpected outcome {other:?}"),
            }
        }
        let finished: Vec<&str> = results.iter().map(|_| "queued").collect();
        let is_free = !self.is_claimed && self.output.is_none() && arguments["max_jobs"] != 0;
        self.is_claimed |= is_free;
        let claimed = json!({
            "id": job.id, "job_type": job.job_type, "input_data": job.input_data, "steps": self.steps,
            "retry_count": 0, "max_retries": 3, "lease_token": arguments["lease_token"],
        });
        let jobs = if is_free { vec![claimed] } else { Vec::new() };
        Reply::json(200, json!({ "finished": finished, "jobs": jobs }))
    }

    fn progress(&mut self, progress: &Value) {
        if !progress.is_null() {
            self.progress.push(progress.clone());
        }
    }

    /// Grok forgets photo 7 when it is asked about others too.
    fn fetch(&mut self, request: &HttpRequest) -> Reply {
        if let Some((_, id)) = request.url.split_once("/deferred-completion/") {
            return self.give_out(id);
        }
        let Some(call) = Call::of(request) else {
            return Reply::bytes(200, JPEG);
        };
        let question = call.subject();
        let takes_ms = GROK_TAKES_MS + question.len() as u32 * AND_FOR_EACH_LETTER_MS;
        let is_new = !self.asked.contains(&question);
        self.is_killed |= is_new && self.death == Some(Death::InACall);
        self.asked.push(question.clone());
        self.unsaved.push(question);
        let mut answer = call.answer();
        if let Some(photos) = answer["photos"].as_array_mut()
            && photos.len() > 1
        {
            photos.retain(|photo| photo["p"] != "p7");
        }
        let answer = completion(&answer.to_string());
        match self.defers {
            true => self.defer(answer),
            false => answer.after_ms(takes_ms),
        }
    }

    fn defer(&mut self, answer: Reply) -> Reply {
        let id = format!("ticket-{}", self.deferred.len());
        self.deferred.push((id.clone(), answer, 0));
        Reply::json(200, json!({ "request_id": id }))
    }

    /// What a step is about that keeps something of Grok's.
    fn question_of(&self, step: &str, result: &Value) -> Option<String> {
        if step.starts_with("final") {
            return self
                .asked
                .iter()
                .find(|known| known.starts_with('o'))
                .cloned();
        }
        let asking = match step.strip_suffix("/answer") {
            Some(asking) => &self.steps[asking],
            None => result,
        };
        let asked = asking["details"]["asked"].as_array()?.iter();
        Some(
            asked
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    /// An answer is there when it was looked for often enough, and given out once.
    fn give_out(&mut self, id: &str) -> Reply {
        let place = self.deferred.iter().position(|(known, _, _)| known == id);
        let Some(place) = place else {
            return Reply::json(
                404,
                json!({ "code": "not-found", "error": "No such request" }),
            );
        };
        let (_, answer, looks) = &mut self.deferred[place];
        *looks += 1;
        if *looks < LOOKS_IN_VAIN {
            return Reply::bytes(202, "");
        }
        let answer = std::mem::replace(answer, Reply::json(404, json!({ "error": "given out" })));
        self.unsaved.push(self.asked[place].clone());
        answer
    }
}

/// A job about seven photos, and the workers that take it one after the other.
pub(super) struct Workers {
    job: Job,
    concurrency: &'static str,
    pub(super) surroundings: Rc<RefCell<Surroundings>>,
}

impl Workers {
    pub(super) fn that_die(death: Option<Death>) -> Self {
        let surroundings = Surroundings {
            death,
            ..Surroundings::default()
        };
        Self {
            job: job("generate_report", input(7, json!({}))),
            concurrency: "4",
            surroundings: Rc::new(RefCell::new(surroundings)),
        }
    }

    /// Workers whose Grok answers later.
    pub(super) fn that_wait(death: Option<Death>) -> Self {
        let workers = Self::that_die(death);
        workers.surroundings.borrow_mut().defers = true;
        workers
    }

    pub(super) fn one_call_at_a_time(death: Death) -> Self {
        Self {
            concurrency: "1",
            ..Self::that_die(Some(death))
        }
    }

    /// A worker runs until it is killed or has nothing more to do; answers whether it was killed.
    pub(super) fn next(&self) -> bool {
        self.surroundings.borrow_mut().is_killed = false;
        self.surroundings.borrow_mut().is_claimed = false;
        let host = self.host();
        let config = config(&[
            ("QUEUE_WALL_CLOCK_SECONDS", "400"),
            ("GROK_CONCURRENCY", self.concurrency),
        ]);
        let (signals, crash_record) = (Signals::default(), CrashRecord::default());
        let context = RunContext::new(&host, &config, &signals, &crash_record, 0, "test-worker");
        let mut run = pin!(worker::run(
            &context,
            [Registration::of::<GenerateReport>()]
        ));
        let is_killed = host.run(std::future::poll_fn(|task| {
            let polled = run.as_mut().poll(task);
            match self.surroundings.borrow().is_killed {
                true => Poll::Ready(true),
                false => polled.map(|_| false),
            }
        }));
        let mut surroundings = self.surroundings.borrow_mut();
        let lost = std::mem::take(&mut surroundings.unsaved);
        surroundings.lost.extend(lost);
        is_killed
    }

    /// Workers take the job until it is done; the result.
    pub(super) fn until_done(&self) -> Value {
        // Otherwise a job that gets nowhere would be taken for ever.
        for _ in 0..50 {
            self.next();
            if let Some(report) = &self.surroundings.borrow().output {
                return report.clone();
            }
        }
        panic!("the job does not come to its end");
    }

    fn host(&self) -> ScriptedHost {
        let (database, servers) = (self.surroundings.clone(), self.surroundings.clone());
        let job = self.job.clone();
        ScriptedHost::new()
            .on_rpc(move |function, arguments| {
                let answer = |world: &mut Surroundings| world.rpc(&job, function, arguments);
                database.borrow_mut().meet(answer)
            })
            .on_fetch(move |request| {
                let answer = |world: &mut Surroundings| world.fetch(request);
                servers.borrow_mut().meet(answer)
            })
    }
}
