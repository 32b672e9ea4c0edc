//! A worker can die at any moment. Here it does at each: whenever it speaks to the database, to Grok or to the
//! photos' server, once before the request arrives and once after. The job goes on with what the dead worker saved.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::scripted_host::run_job_until;

/// What a worker leaves behind: everything that is not the worker.
#[derive(Default)]
struct Surroundings {
    /// Requests of all workers so far, those included that never arrived.
    requests: usize,
    death: Option<Death>,
    is_killed: bool,
    steps: serde_json::Map<String, Value>,
    /// What Grok was asked about, call by call.
    asked: Vec<String>,
    /// What Grok was asked about and no finished step knows of.
    unsaved: Option<String>,
    /// What stands in the application's table.
    report: Value,
}

/// When a worker is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
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

    fn rpc(&mut self, function: &str, arguments: &Value) -> Reply {
        match function {
            "start_job_step" => held(),
            "save_job_step" => {
                let name = arguments["name"].as_str().expect("a step has a name");
                let result = arguments["result"].clone();
                let known = self.steps.insert(name.into(), result);
                assert_eq!(known, None, "{name} is saved once");
                self.unsaved = None;
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

    /// Grok forgets photo 7 when it is asked about others too.
    fn fetch(&mut self, request: &HttpRequest) -> Reply {
        let Some(call) = Call::of(request) else {
            return Reply::bytes(200, JPEG);
        };
        let question = call.subject();
        let is_new = !self.asked.contains(&question);
        self.is_killed |= is_new && self.death == Some(Death::InACall);
        self.asked.push(question.clone());
        self.unsaved = Some(question);
        let mut answer = call.answer();
        if let Some(photos) = answer["photos"].as_array_mut()
            && photos.len() > 1
        {
            photos.retain(|photo| photo["p"] != "p7");
        }
        completion(&answer.to_string())
    }
}

/// A job and what its workers leave behind.
struct Workers {
    job: Job,
    surroundings: Rc<RefCell<Surroundings>>,
}

impl Workers {
    fn that_die(death: Option<Death>) -> Self {
        let surroundings = Surroundings {
            death,
            ..Surroundings::default()
        };
        Self {
            job: job("generate_report", input(7, json!({}))),
            surroundings: Rc::new(RefCell::new(surroundings)),
        }
    }

    /// One worker takes the job: its report, or nothing when it was killed.
    fn next(&self) -> Option<Value> {
        let mut job = self.job.clone();
        {
            let mut surroundings = self.surroundings.borrow_mut();
            surroundings.is_killed = false;
            job.steps.clone_from(&surroundings.steps);
        }
        let (database, servers) = (self.surroundings.clone(), self.surroundings.clone());
        let host = ScriptedHost::new()
            .on_rpc(move |function, arguments| {
                let answer = |world: &mut Surroundings| world.rpc(function, arguments);
                database.borrow_mut().meet(answer)
            })
            .on_fetch(move |request| {
                let answer = |world: &mut Surroundings| world.fetch(request);
                servers.borrow_mut().meet(answer)
            });
        let is_killed = || self.surroundings.borrow().is_killed;
        let result = run_job_until::<GenerateReport>(&host, &config(&[]), job, &is_killed)?;
        Some(result.expect("the report is written"))
    }

    /// One worker after the other takes the job, until one of them gets to its end.
    fn last(&self) -> Value {
        // Otherwise a job that gets nowhere would be taken for ever.
        let mut reports = (0..50).map(|_| self.next());
        let report = reports.find_map(|report| report);
        report.expect("the job comes to its end")
    }

    fn asked(&self) -> Vec<String> {
        self.surroundings.borrow().asked.clone()
    }
}

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
    let report = workers.next().expect("nobody kills the worker");
    assert_eq!(workers.asked(), QUESTIONS);
    let requests = workers.surroundings.borrow().requests;
    (report, requests)
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

#[test]
fn killed_at_any_moment_only_the_call_under_way_is_made_again() {
    let (expected, requests) = undisturbed();
    for request in 1..=requests {
        for death in [Death::Before(request), Death::After(request)] {
            let workers = Workers::that_die(Some(death));
            assert_eq!(workers.next(), None, "killed {death:?}");
            let under_way = workers.surroundings.borrow().unsaved.clone();

            let report = workers.next().expect("nobody kills the second worker");
            assert!(same(&report, &expected), "{death:?}: {report}");
            assert_eq!(workers.surroundings.borrow().report, expected["text"]);
            let (mut asked, mut paid) = (workers.asked(), QUESTIONS.to_vec());
            paid.extend(under_way.as_deref());
            asked.sort_unstable();
            paid.sort_unstable();
            assert_eq!(asked, paid, "{death:?}");
        }
    }
}

#[test]
fn when_every_worker_is_killed_after_one_step_nothing_is_asked_twice() {
    let (expected, _) = undisturbed();
    let workers = Workers::that_die(Some(Death::AfterAStep));
    assert!(same(&workers.last(), &expected));
    assert_eq!(workers.asked(), QUESTIONS);
}

#[test]
fn when_every_call_costs_a_worker_its_life_each_is_made_twice() {
    let (expected, _) = undisturbed();
    let workers = Workers::that_die(Some(Death::InACall));
    assert!(same(&workers.last(), &expected));
    let twice = QUESTIONS.map(|question| [question, question]);
    assert_eq!(workers.asked(), twice.concat());
}
