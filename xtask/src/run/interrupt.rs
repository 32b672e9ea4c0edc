//! Stops everything at Ctrl-C, a closed terminal or SIGTERM, before this process ends.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ledger::Ledger;

const EXIT_STATUS: i32 = 130;

type Shared = Arc<Mutex<Ledger>>;

/// What to clear up; `None` between two runs.
static CURRENT: Mutex<Option<Shared>> = Mutex::new(None);
static LISTENING: OnceLock<()> = OnceLock::new();

/// Names the ledger to clear up from when a signal comes.
pub fn set_current(ledger: Option<Shared>) -> Result<()> {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = ledger;
    if LISTENING.get().is_none() {
        listen()?;
        LISTENING.get_or_init(|| ());
    }
    Ok(())
}

fn listen() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let signals = {
        let _inside = runtime.enter();
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(signal)
        .into_iter()
        .collect::<std::io::Result<Vec<_>>>()?
    };
    std::thread::spawn(move || {
        wait(&runtime, signals);
        stop();
    });
    Ok(())
}

fn wait(runtime: &Runtime, mut signals: Vec<Signal>) {
    runtime.block_on(std::future::poll_fn(|context| {
        let any = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if any { Poll::Ready(()) } else { Poll::Pending }
    }));
}

fn stop() {
    eprintln!("stopping");
    let current = CURRENT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // Locked until the end: the main thread waits for it instead of reporting that its programs have ended.
    let mut held = current
        .as_ref()
        .map(|ledger| ledger.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(ledger) = &mut held {
        ledger.clear();
    }
    std::process::exit(EXIT_STATUS);
}
