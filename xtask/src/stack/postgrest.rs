//! PostgREST from its npm package, set up as Supabase does.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;
use std::io::{Read, Write};

use super::keys::Keys;
use super::{READY_WITHIN, Server, free_port};
use crate::project::Project;
use crate::run::Run;
use crate::tools;

pub fn start(project: &Project, run: &Run, database: &Server, keys: &Keys) -> Result<Server> {
    let (port, admin_port) = (free_port()?, free_port()?);
    let database_url = database.url.replacen(
        database.url.split('@').next().unwrap_or_default(),
        &format!("postgres://authenticator:{}", keys.authenticator_password),
        1,
    );
    let mut command = Command::new(tools::postgrest(project)?);
    command.env_clear().current_dir(run.folder()).envs([
        ("PGRST_DB_URI", database_url.as_str()),
        ("PGRST_DB_SCHEMAS", "public"),
        ("PGRST_DB_EXTRA_SEARCH_PATH", "public,extensions"),
        ("PGRST_DB_ANON_ROLE", "anon"),
        ("PGRST_DB_POOL", "10"),
        ("PGRST_DB_MAX_ROWS", "1000"),
        ("PGRST_JWT_SECRET", keys.jwt_secret.as_str()),
        ("PGRST_LOG_LEVEL", "error"),
        ("PGRST_SERVER_HOST", "127.0.0.1"),
        ("PGRST_SERVER_PORT", &port.to_string()),
        ("PGRST_ADMIN_SERVER_PORT", &admin_port.to_string()),
    ]);
    let mut server = Server {
        url: format!("http://127.0.0.1:{port}"),
        service: run.start("postgrest", Signal::SIGTERM, command)?,
    };
    server
        .service
        .wait_until(READY_WITHIN, |_| is_ready(admin_port).then_some(()))?;
    Ok(server)
}

/// Ready means: connected, and the schema is read.
fn is_ready(admin_port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], admin_port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}
