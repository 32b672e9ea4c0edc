//! The list of what a run has started, in a file, so that another process can clear up.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::identity::started;

const FILE: &str = "ledger";
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Ledger {
    folder: PathBuf,
    file: File,
}

impl Ledger {
    /// Creates the folder of a run that this process owns.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(folder.join(FILE))?;
        let mut ledger = Self {
            folder: folder.to_path_buf(),
            file,
        };
        let owner = std::process::id();
        let since = started(owner).unwrap_or_default();
        ledger.write(&["owner", &owner.to_string(), &since])?;
        Ok(ledger)
    }

    /// Notes a process that leads a group of its own.
    pub fn add_process(&mut self, pid: u32, stop_signal: Signal) -> Result<()> {
        let since = started(pid).unwrap_or_default();
        self.write(&["process", &pid.to_string(), &since, stop_signal.as_str()])
    }

    /// Notes a folder outside the run's own.
    pub fn add_folder(&mut self, path: &Path) -> Result<()> {
        self.write(&["folder", &path.to_string_lossy()])
    }

    /// Stops everything that was noted and removes every folder.
    pub fn clear(&mut self) {
        clear(&self.folder);
    }

    fn write(&mut self, fields: &[&str]) -> Result<()> {
        writeln!(self.file, "{}", fields.join("\t")).context("the run's ledger cannot be written")
    }
}

/// Clears up after every run in `all` whose owner is gone.
pub fn clear_abandoned(all: &Path) {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    let runs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"));
    for run in runs {
        let owner_lives = read(&run.path()).iter().any(|entry| match entry {
            Entry::Owner(owner) => owner.is_alive(),
            _ => false,
        });
        if !owner_lives {
            clear(&run.path());
        }
    }
}

/// Stops what the run of this folder started, last one first, then removes its folders. May be repeated.
pub fn clear(folder: &Path) {
    let entries = read(folder);
    for entry in entries.iter().rev() {
        if let Entry::Process(process, signal) = entry {
            process.stop(*signal);
        }
    }
    for entry in &entries {
        if let Entry::Folder(path) = entry {
            // What cannot be removed stays: nobody listens any more.
            drop(fs::remove_dir_all(path));
        }
    }
    drop(fs::remove_dir_all(folder));
}

enum Entry {
    Owner(Process),
    Process(Process, Signal),
    Folder(PathBuf),
}

fn read(folder: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    text.lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Entry> {
    let process = |pid: &str, since: &str| {
        let pid = pid.parse().ok()?;
        Some(Process {
            pid,
            since: since.to_owned(),
        })
    };
    match line.split('\t').collect::<Vec<_>>()[..] {
        ["owner", pid, since] => Some(Entry::Owner(process(pid, since)?)),
        ["process", pid, since, signal] => {
            Some(Entry::Process(process(pid, since)?, signal.parse().ok()?))
        }
        ["folder", path] => Some(Entry::Folder(PathBuf::from(path))),
        _ => None,
    }
}

struct Process {
    pid: u32,
    since: String,
}

impl Process {
    /// The process id alone is not enough: another program may have it by now.
    fn is_alive(&self) -> bool {
        started(self.pid).is_some_and(|since| since == self.since)
    }

    fn stop(&self, signal: Signal) {
        if !self.is_alive() {
            return;
        }
        send(self.pid, signal);
        let deadline = Instant::now() + PATIENCE;
        while self.is_alive() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        kill_group(self.pid);
    }
}

/// Ends a process that leads a group and whatever it has started.
pub fn kill_group(leader: u32) {
    send(leader, Signal::SIGKILL);
}

/// Asks such a process, and whatever it has started, to end.
pub fn ask_group(leader: u32) {
    send(leader, Signal::SIGTERM);
}

fn send(leader: u32, signal: Signal) {
    if let Ok(group) = i32::try_from(leader) {
        // An error means that the group is gone already.
        let _ = killpg(Pid::from_raw(group), signal);
    }
}
