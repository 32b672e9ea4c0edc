//! From the Rust sources to the modules that `serve.ts` imports: cargo, wasm-split, wasm-bindgen, wasm-opt, text.
//! The Wasm comes in four parts: the worker, the chunk `report`, which is loaded with the first job that needs it, and
//! the modules `images` and `documents`, kernels that have memories of their own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::command::output;
use crate::progress::{detail, heading};
use crate::project::Project;
use crate::tools;

/// What the worker is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Small and quick to start: the one to deploy.
    Release,
    /// Built quickly, with the names of functions in stack traces.
    Debug,
    /// The release with job types that crash, for the fault suite: built into a copy of the function.
    Faults,
}

impl Flavour {
    /// The folder of the function it is built for.
    pub fn function(self, project: &Project) -> PathBuf {
        match self {
            Self::Release | Self::Debug => project.function(),
            Self::Faults => project.stack_data().join("faulty-function"),
        }
    }

    fn is_optimised(self) -> bool {
        self != Self::Debug
    }
}

/// What is compiled by itself.
struct Unit {
    package: &'static str,
    features: &'static [&'static str],
    is_optimised: bool,
    linking: &'static str,
}

const IMAGES: Unit = kernel("image-kernel");
const DOCUMENTS: Unit = kernel("document-kernel");

const fn kernel(package: &'static str) -> Unit {
    Unit {
        package,
        features: &["module"],
        // Unoptimised it would be too slow for any test.
        is_optimised: true,
        // An instance that wants more has taken on too much: the isolate has 256 MiB for everything.
        linking: "-Clink-args=--max-memory=134217728",
    }
}

fn worker(flavour: Flavour) -> Unit {
    Unit {
        package: "pretium-queue",
        features: match flavour {
            Flavour::Faults => &["faults"],
            Flavour::Release | Flavour::Debug => &[],
        },
        is_optimised: flavour.is_optimised(),
        // What `split` reads.
        linking: "-Clink-args=--emit-relocs",
    }
}

/// Brings the generated folder `worker/` of the function up to date with the sources.
pub fn build(project: &Project, flavour: Flavour) -> Result<()> {
    tools::install_packages(project)?;
    tools::install_wasm_target(project)?;
    heading("building the worker");
    let compiled = compile(project, &worker(flavour))?;
    let images = compile(project, &IMAGES)?;
    let documents = compile(project, &DOCUMENTS)?;
    let folder = flavour.function(project).join("worker");
    let stamp = stamp(project, [&compiled, &images, &documents], flavour)?;
    if std::fs::read_to_string(folder.join("stamp")).is_ok_and(|found| found == stamp) {
        detail("up to date");
        return Ok(());
    }
    let work = compiled.with_file_name("bound");
    split(&compiled, &work)?;
    bind(&work.join("main.wasm"), &work, flavour)?;
    let mut parts = [
        ("wasm", work.join("worker_bg.wasm"), "-Oz"),
        ("report", work.join("split_report.wasm"), "-Oz"),
        ("images", images, "-O3"),
        ("documents", documents, "-Oz"),
    ];
    if flavour.is_optimised() {
        heading("optimising the Wasm");
        std::thread::scope(|scope| {
            let threads = parts.each_mut().map(|(_, wasm, level)| {
                scope.spawn(|| optimise(project, wasm, level).map(|optimised| *wasm = optimised))
            });
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })?;
    }
    write_glue(&folder, &work)?;
    for (name, wasm, _) in parts {
        let wasm = std::fs::read(wasm)?;
        write_bytes(&folder, name, &wasm, &stamp)?;
        report_sizes(name, &wasm)?;
    }
    std::fs::write(folder.join("stamp"), stamp)?;
    Ok(())
}

/// Compiles a library and returns the path of its Wasm.
fn compile(project: &Project, unit: &Unit) -> Result<PathBuf> {
    let mut flags = path_remappings(project)?;
    flags.push(unit.linking.into());
    let mut cargo = tools::cargo(project);
    cargo
        .args(["build", "--package", unit.package, "--lib"])
        .args(["--target", "wasm32-unknown-unknown"])
        .arg("--message-format=json-render-diagnostics")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .stderr(Stdio::inherit());
    if unit.is_optimised {
        cargo.arg("--release");
    }
    for feature in unit.features {
        cargo.args(["--features", feature]);
    }
    let output = cargo.output().context("cargo could not be started")?;
    if !output.status.success() {
        bail!("{} does not compile: see above", unit.package);
    }
    let messages = String::from_utf8(output.stdout)?;
    wasm_artifact(&messages, unit.package)
        .with_context(|| format!("cargo reported no Wasm for the library {}", unit.package))
}

fn wasm_artifact(messages: &str, package: &str) -> Option<PathBuf> {
    let library = package.replace('-', "_");
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == library)
        .filter_map(|message| message["filenames"].as_array().cloned())
        .flatten()
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
}

/// Panic messages name source files. Without this the Wasm would contain this machine's folders and differ from
/// the one built on another.
fn path_remappings(project: &Project) -> Result<Vec<String>> {
    let sysroot = tools::rust_sysroot(project)?;
    let cargo_home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .context("neither CARGO_HOME nor HOME is set")?;
    let remap = |from: &str, to: &str| format!("--remap-path-prefix={from}={to}");
    // Of several that match, rustc takes the last.
    let mut remappings = vec![
        remap(&project.root().to_string_lossy(), "pretium-queue"),
        remap(&cargo_home, "cargo"),
        remap(&sysroot.to_string_lossy(), "rust"),
    ];
    // One folder for each registry, with a long name.
    for registry in folders_of(&Path::new(&cargo_home).join("registry/src")) {
        remappings.push(remap(&registry.to_string_lossy(), "cargo"));
    }
    Ok(remappings)
}

/// In order; none when there is no such folder.
fn folders_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// A digest of everything the generated folder is made from.
fn stamp(project: &Project, compiled: [&Path; 3], flavour: Flavour) -> Result<String> {
    let mut hash = Sha256::new();
    for wasm in compiled {
        hash.update(std::fs::read(wasm)?);
    }
    hash.update(include_str!("wasm.rs"));
    hash.update(include_str!("wasm_bytes.js"));
    hash.update(include_str!("parts.js"));
    hash.update(include_str!("../../Cargo.lock"));
    hash.update(tools::package_version(
        &project.node_modules().join("binaryen"),
    )?);
    hash.update([flavour as u8]);
    Ok(STANDARD.encode(hash.finalize()))
}

/// Cuts the chunk out: `main.wasm` and `split_report.wasm` in `work`.
fn split(compiled: &Path, work: &Path) -> Result<()> {
    let wasm = std::fs::read(compiled)?;
    let main = work.join("main.wasm");
    let mut options = wasm_split_cli_support::Options::new(&wasm);
    options.output_dir = work;
    options.main_out_path = &main;
    options.link_name = "./parts.js";
    let split = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("the Wasm could not be split: {error:#}"))?;
    let chunks = [work.join("split_report.wasm")];
    ensure!(split.split_modules == chunks, "expected one chunk: report");
    Ok(())
}

/// Writes the JavaScript glue and its Wasm into `work`.
fn bind(compiled: &Path, work: &Path, flavour: Flavour) -> Result<()> {
    let release = flavour.is_optimised();
    Bindgen::new()
        .input_path(compiled)
        .web(true)?
        .omit_default_module_path(true)
        // The chunk calls through the worker's table of functions.
        .keep_lld_exports(true)
        .out_name("worker")
        .typescript(true)
        .remove_name_section(release)
        .remove_producers_section(release)
        .generate(work)
}

fn optimise(project: &Project, wasm: &Path, level: &str) -> Result<PathBuf> {
    let optimised = wasm.with_extension("optimised.wasm");
    output(
        Command::new("node")
            .arg(tools::wasm_opt(project))
            .arg(level)
            .arg(wasm)
            .arg("-o")
            .arg(&optimised),
    )?;
    Ok(optimised)
}

fn write_glue(worker: &Path, work: &Path) -> Result<()> {
    if worker.exists() {
        std::fs::remove_dir_all(worker)?;
    }
    std::fs::create_dir_all(worker)?;
    for name in ["worker.js", "worker.d.ts"] {
        std::fs::copy(work.join(name), worker.join(name))?;
    }
    std::fs::write(worker.join("parts.js"), include_str!("parts.js"))?;
    Ok(())
}

/// Writes the module `<name>_bytes.js`, which holds the Wasm as text and the build it belongs to.
fn write_bytes(worker: &Path, name: &str, wasm: &[u8], build: &str) -> Result<()> {
    let mut module = String::with_capacity(wasm.len() * 4 / 3 + 2048);
    // The Supabase CLI finds imports by a regular expression, which takes a string after `export` for one.
    writeln!(
        module,
        "const ENCODED =\n  \"{}\";\nconst BUILD = \"{build}\";\n",
        STANDARD.encode(wasm)
    )?;
    module.push_str(include_str!("wasm_bytes.js"));
    std::fs::write(worker.join(format!("{name}_bytes.js")), module)?;
    let types = "/** Wasm, decoded. */\nexport function wasmBytes(): Uint8Array<ArrayBuffer>;\n\
        /** The same for all parts of one build. */\nexport function build(): string;\n";
    std::fs::write(worker.join(format!("{name}_bytes.d.ts")), types)?;
    Ok(())
}

fn report_sizes(name: &str, wasm: &[u8]) -> Result<()> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(wasm)?;
    let zipped = gzip.finish()?.len();
    let encoded = wasm.len().div_ceil(3) * 4;
    detail(&format!(
        "{name}: {} bytes, gzip {zipped}, base64 {encoded}",
        wasm.len()
    ));
    Ok(())
}
