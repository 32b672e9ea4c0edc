//! The processes and folders of one command, which are all gone when it ends, in whatever way.
//!
//! Everything that is started is listed in a ledger in the run's folder under `.stack/`. At a normal end, an error or
//! a signal this process clears up what is listed. If this process is killed, a second one, the watcher, notices the
//! end of its standard input and clears up. If both are killed, the next run clears up.

mod identity;
mod interrupt;
mod ledger;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::command::last_lines;
use crate::project::Project;
use ledger::Ledger;

/// How many runs this process has begun. Locked while one begins: until it is listed, it looks abandoned to another.
static BEGUN: Mutex<usize> = Mutex::new(0);

/// What this command has started for one purpose. Dropping it stops all of it.
pub struct Run {
    folder: PathBuf,
    ledger: Arc<Mutex<Ledger>>,
    /// Keeps the watcher's standard input open as long as this process lives.
    watcher: Child,
}

impl Run {
    /// Clears up after runs that were killed, and begins a new one.
    pub fn begin(project: &Project) -> Result<Self> {
        let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
        *begun += 1;
        let all = project.stack_data();
        fs::create_dir_all(&all).with_context(|| format!("{} cannot be created", all.display()))?;
        ledger::clear_abandoned(&all);
        let folder = all.join(format!("run-{}-{begun}", std::process::id()));
        let ledger = Arc::new(Mutex::new(Ledger::open(&folder)?));
        interrupt::add(Arc::clone(&ledger))?;
        let watcher = start_watcher(&folder)?;
        Ok(Self {
            folder,
            ledger,
            watcher,
        })
    }

    /// The run's own folder: logs and data, removed at the end.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates a folder outside the run's own that is removed with it.
    pub fn create_folder_elsewhere(&self, path: &Path) -> Result<()> {
        self.ledger().add_folder(path)?;
        fs::create_dir(path).with_context(|| format!("{} cannot be created", path.display()))
    }

    /// Starts a program that writes to a log of its own and runs until it is told to stop by `stop_signal`.
    pub fn start(&self, name: &str, stop_signal: Signal, mut command: Command) -> Result<Service> {
        let log = self.folder.join(format!("{name}.log"));
        let file = File::create(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let child = self.spawn(&mut command, stop_signal)?;
        let service = Service {
            name: name.to_owned(),
            command,
            stop_signal,
            child,
            log,
        };
        self.note_pid(&service)?;
        Ok(service)
    }

    /// Restarts a program of [`Run::start`] with the same command and log if it has ended; returns whether it had.
    pub fn restart_if_ended(&self, service: &mut Service) -> Result<bool> {
        if !service.has_ended()? {
            return Ok(false);
        }
        service.child = self.spawn(&mut service.command, service.stop_signal)?;
        self.note_pid(service)?;
        Ok(true)
    }

    /// Asks a program of [`Run::start`] to end, waits until it has, and starts it again with the same command and log.
    pub fn restart(&self, service: &mut Service) -> Result<()> {
        ledger::ask_group(service.child.id());
        service.child.wait()?;
        self.restart_if_ended(service).map(drop)
    }

    /// Writes `<name>.pid` into the run's folder, for scripts that send signals to the parts of the stack. The file is
    /// never seen half written, because a signal to process 0 goes to the sender's own group.
    fn note_pid(&self, service: &Service) -> Result<()> {
        let file = self.folder.join(format!("{}.pid", service.name));
        let draft = file.with_extension("pid.draft");
        fs::write(&draft, service.child.id().to_string())
            .and_then(|()| fs::rename(&draft, &file))
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Starts a program whose output the caller deals with; it and its own children end with this run.
    pub fn spawn(&self, command: &mut Command, stop_signal: Signal) -> Result<Child> {
        let mut ledger = self.ledger();
        // A group of its own: Ctrl-C reaches this process only, and what the program starts ends with it.
        let child = command.process_group(0).spawn().with_context(|| {
            format!(
                "{} cannot be started",
                command.get_program().to_string_lossy()
            )
        })?;
        ledger.add_process(child.id(), stop_signal)?;
        Ok(child)
    }

    /// Waits for a program of [`Run::spawn`] to end, and ends whatever it started and left behind.
    pub fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let status = child.wait()?;
        ledger::kill_group(child.id());
        Ok(status)
    }

    /// Copies the logs to a folder that outlives the run.
    pub fn keep_logs(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                fs::copy(&path, folder.join(path.file_name().unwrap_or_default()))?;
            }
        }
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.ledger().clear();
        interrupt::remove(&self.ledger);
        drop(self.watcher.stdin.take());
        // It ends at once; waiting for it leaves no zombie.
        drop(self.watcher.wait());
    }
}

/// A program in the background.
pub struct Service {
    name: String,
    command: Command,
    stop_signal: Signal,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Waits until `ready` gives a value; fails with the end of the log when the program ends first or takes too long.
    pub fn wait_until<T>(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(value) = ready(&self.log_text()) {
                return Ok(value);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended ({status}):\n{}", self.name, self.log_end());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} is not ready after {} s:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log_end()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the line in which a server names its address.
    pub fn wait_for_address(&mut self, limit: Duration) -> Result<String> {
        self.wait_until(limit, |log| {
            let mut addresses = log.lines().filter_map(address);
            addresses.next().map(str::to_owned)
        })
    }

    /// How often it has named its address: once each time it was started.
    pub fn addresses_named(&self) -> usize {
        self.log_text().lines().filter_map(address).count()
    }

    /// Waits until it has named its address so often.
    pub fn wait_for_addresses(&mut self, times: usize, limit: Duration) -> Result<()> {
        let count = |log: &str| log.lines().filter_map(address).count();
        self.wait_until(limit, |log| (count(log) >= times).then_some(()))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The last lines it wrote.
    pub fn log_end(&self) -> String {
        last_lines(&self.log_text(), 30)
    }

    fn log_text(&self) -> String {
        fs::read(&self.log).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }
}

fn address(line: &str) -> Option<&str> {
    Some(line.strip_prefix("listening on ")?.trim())
}

/// The watcher: waits until the process that started it is gone, then clears up after it.
pub fn watch(folder: &Path) -> Result<()> {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    ledger::clear(folder);
    Ok(())
}

fn start_watcher(folder: &Path) -> Result<Child> {
    let program = std::env::current_exe().context("this program cannot find itself")?;
    Command::new(program)
        .arg("watch")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("the watcher cannot be started")
}
