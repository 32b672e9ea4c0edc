//! `cargo xtask demo`: has one report written from notes and photographs, as a web app would.

mod client;
mod photos;
mod show;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::progress::{detail, heading};
use crate::project::Project;
use crate::stack::{Function, Grok, Stack, random_uuid};
use crate::tools::{self, Deno};
use crate::wasm::{self, Flavour};
use client::Client;
use show::Life;

const BUCKET: &str = "site-photos";
/// How often the demo looks at the job.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// How often the demo wakes the worker, as the clock does while there is work.
const WAKE_EVERY: Duration = Duration::from_secs(5);
/// The longest the demo waits for the report: xAI may take minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Runs the demo to its end.
pub fn run(project: &Project) -> Result<()> {
    let photos = build(project)?;
    let function = Function {
        deno: Deno::Current,
        grok: Grok::choose(),
    };
    let mut stack = Stack::start(project, Some(&function))?;
    // A web app would upload them to Storage.
    symlink(photos, stack.storage().join(BUCKET))?;

    let client = Client::new(&stack);
    let input = site_visit(project, &stack)?;
    let report = &input["reportId"];
    client.insert(
        "reports",
        &json!({ "id": report, "project_id": input["projectId"], "bullet_points": input["bulletPoints"] }),
    )?;
    let arguments = json!({ "job_type": "generate_report", "input_data": input });
    let id = client.call("enqueue_job", &arguments)?;
    let id = id.as_str().context("enqueue_job returned no id")?;
    let images = input["images"].as_array().map_or(0, Vec::len);
    heading(&format!(
        "enqueued generate_report with {images} photographs: job {id}"
    ));
    let job = follow(&mut stack, &client, id)?;
    let report = client.row("reports", report.as_str().unwrap_or_default())?;
    present(project, &job, &report)
}

/// Builds the worker and draws the photographs, at the same time; returns the photographs' folder.
fn build(project: &Project) -> Result<PathBuf> {
    tools::install_packages(project)?;
    std::thread::scope(|scope| {
        let photos = scope.spawn(|| photos::prepare(project));
        wasm::build(project, Flavour::Release)?;
        photos
            .join()
            .map_err(|_| anyhow!("drawing the photographs failed"))?
    })
}

/// The job's input: the visit, with the addresses of its photographs on this stack.
fn site_visit(project: &Project, stack: &Stack) -> Result<Value> {
    let file = project.path("tests/site_visit/visit.json");
    let text =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut visit: Value = serde_json::from_str(&text)?;
    visit["reportId"] = json!(random_uuid()?);
    let images = visit["images"]
        .as_array_mut()
        .context("visit.json has no images")?;
    for image in images {
        let path = image["path"]
            .as_str()
            .context("an image of visit.json has no path")?;
        image["url"] = json!(format!(
            "{}/storage/v1/object/public/{BUCKET}/{path}",
            stack.url()
        ));
    }
    Ok(visit)
}

/// Wakes the worker and prints each change of the job until it is final; returns the job.
fn follow(stack: &mut Stack, client: &Client, id: &str) -> Result<Value> {
    let begun = Instant::now();
    let mut woken: Option<Instant> = None;
    let mut life = Life::default();
    loop {
        let job = client.row("jobs", id)?;
        life.observe(&job);
        match job["status"].as_str() {
            Some("completed") => return Ok(job),
            Some("queued" | "processing") => {}
            _ => bail!("the job ended as {}: {}", job["status"], job["error"]),
        }
        if woken.is_none_or(|at| at.elapsed() > WAKE_EVERY) {
            let status = client.wake()?;
            if woken.is_none() {
                heading(&format!("woke the worker, which answered {status}"));
            }
            woken = Some(Instant::now());
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "the job is not done after {} minutes",
                PATIENCE.as_secs() / 60
            );
        }
        stack.check_health()?;
        std::thread::sleep(POLL_EVERY);
    }
}

fn present(project: &Project, job: &Value, report: &Value) -> Result<()> {
    let result = &job["output_data"];
    let text = result["text"]
        .as_str()
        .context("the job's result has no text")?;
    let folder = project.stack_data().join("demo");
    fs::create_dir_all(&folder)?;
    let (json_file, text_file) = (folder.join("report.json"), folder.join("report.txt"));
    fs::write(&json_file, serde_json::to_string_pretty(result)?)?;
    fs::write(&text_file, text)?;
    println!("\n{}\n", show::wrapped(text));
    heading("the report is complete");
    detail(&format!("as text       {}", text_file.display()));
    detail(&format!("whole result  {}", json_file.display()));
    let saved = report["generated_content"]
        .as_str()
        .context("the report's row has no text")?;
    detail(&format!(
        "in its row    reports.generated_content, {} characters",
        saved.chars().count()
    ));
    Ok(())
}
