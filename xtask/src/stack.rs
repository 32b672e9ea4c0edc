//! A local stand-in for a Supabase project: Postgres, PostgREST, a gateway in front, the edge function, Grok.

mod function;
mod gateway;
mod grok;
mod keys;
mod migrations;
mod pg_net;
mod postgres;
mod postgrest;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::package;
use crate::progress::heading;
use crate::project::Project;
use crate::run::{Run, Service};
use crate::tools::{self, Deno};
use gateway::{Storage, Upstreams};
pub use grok::Grok;
pub use keys::{Keys, random_number, random_uuid};
pub use postgres::Postgres;

/// How long any part may take to get ready: long, because the machine may be busy compiling.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How the edge function runs.
pub struct Function {
    pub deno: Deno,
    pub grok: Grok,
}

/// A running stack. Dropping it stops and removes everything.
pub struct Stack {
    keys: Keys,
    url: String,
    database_url: String,
    postgrest_url: String,
    function_url: Option<String>,
    api_url: Option<String>,
    grok_url: Option<String>,
    function_environment: Vec<(String, String)>,
    deno: Option<PathBuf>,
    storage: PathBuf,
    services: Vec<Service>,
    // The gateway ends with the runtime, everything else with the run.
    runtime: Runtime,
    run: Run,
}

impl Stack {
    /// Starts every part on free ports and applies the migrations; without a function, Grok is left out too.
    pub fn start(project: &Project, function: Option<&Function>) -> Result<Self> {
        Self::start_on(project, &Postgres::Bundled, function)
    }

    /// The same on a Postgres of the caller's choice.
    pub fn start_on(
        project: &Project,
        postgres: &Postgres,
        function: Option<&Function>,
    ) -> Result<Self> {
        tools::install_packages(project)?;
        heading("starting the stack");
        let run = Run::begin(project)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let keys = Keys::generate()?;
        let storage = run.folder().join("storage");
        std::fs::create_dir(&storage)?;

        let database = postgres::start(project, &run, &runtime, postgres)?;
        runtime.block_on(migrations::apply(project, &database.url, &keys, postgres))?;
        let rest = postgrest::start(project, &run, &database, &keys)?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}", listener.local_addr()?);

        let mut stack = Self {
            keys,
            url,
            database_url: database.url,
            postgrest_url: rest.url,
            function_url: None,
            api_url: None,
            grok_url: None,
            function_environment: Vec::new(),
            deno: None,
            storage,
            services: vec![database.service, rest.service],
            runtime,
            run,
        };
        if let Some(function) = function {
            stack.start_function(project, function)?;
        }
        stack.open_gateway(listener)?;
        heading(&format!("the stack is ready at {}", stack.url));
        Ok(stack)
    }

    fn start_function(&mut self, project: &Project, function: &Function) -> Result<()> {
        let mut environment = function::environment(&self.keys, &self.url);
        let mut set =
            |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
        match &function.grok {
            Grok::Real { api_key } => set("GROK_API_KEY", api_key),
            Grok::StandIn { delay_ms } => {
                let grok = grok::start(project, &self.run, *delay_ms)?;
                set("GROK_API_KEY", "xai-stand-in");
                set("GROK_BASE_URL", &format!("{}/v1", grok.url));
                self.grok_url = Some(grok.url);
                self.services.push(grok.service);
            }
        }
        let server = function::start(project, &self.run, function.deno, &environment)?;
        self.services
            .push(pg_net::start(project, &self.run, &self.database_url)?);
        self.function_url = Some(server.url);
        self.services.push(server.service);
        package::copy_routes(project)?;
        let api = function::start_api(project, &self.run, function.deno, &environment)?;
        self.api_url = Some(api.url);
        self.services.push(api.service);
        self.function_environment = environment;
        self.deno = Some(function.deno.binary(project)?);
        Ok(())
    }

    fn open_gateway(&self, listener: TcpListener) -> Result<()> {
        let functions = [
            ("process-queued-jobs", &self.function_url),
            ("api", &self.api_url),
        ];
        let functions = functions
            .into_iter()
            .filter_map(|(name, url)| Some((name.to_owned(), url.clone()?)));
        let upstreams = Upstreams {
            rest: self.postgrest_url.clone(),
            functions: functions.collect(),
            storage: Storage::of(self.storage.clone()),
        };
        let rules = self.keys.gateway_rules();
        self.runtime.spawn(gateway::serve(
            listener,
            Arc::new(rules),
            Arc::new(upstreams),
        ));
        Ok(())
    }

    /// The environment that tells tests, benchmarks and the demo where everything is.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let function_environment: Value = self
            .function_environment
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect();
        [
            ("STACK_URL", Some(self.url.clone())),
            ("STACK_DB_URL", Some(self.database_url.clone())),
            ("STACK_POSTGREST_URL", Some(self.postgrest_url.clone())),
            ("STACK_SECRET_KEY", Some(self.keys.secret.clone())),
            ("STACK_PUBLISHABLE_KEY", Some(self.keys.publishable.clone())),
            (
                "STACK_SERVICE_ROLE_KEY",
                Some(self.keys.service_role.clone()),
            ),
            ("STACK_ANON_KEY", Some(self.keys.anon.clone())),
            ("STACK_JWT_SECRET", Some(self.keys.jwt_secret.clone())),
            ("STACK_WORKER_TOKEN", Some(self.keys.worker_token.clone())),
            ("STACK_STORAGE", Some(text(&self.storage))),
            ("STACK_FUNCTION_URL", self.function_url.clone()),
            ("STACK_FUNCTION_ENV", Some(function_environment.to_string())),
            ("STACK_GROK_URL", self.grok_url.clone()),
            ("STACK_FOLDER", Some(text(self.run.folder()))),
            ("STACK_DENO", self.deno.as_deref().map(text)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The folder whose files the gateway serves as `/storage/v1/object/public/<bucket>/<path>`.
    pub fn storage(&self) -> &Path {
        &self.storage
    }

    pub fn run(&self) -> &Run {
        &self.run
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Keeps the logs of the parts, for looking into a failure.
    pub fn keep_logs(&self, project: &Project) -> Result<()> {
        let folder = project.stack_data().join("logs");
        self.run.keep_logs(&folder)?;
        println!(
            "what the parts of the stack wrote is in {}",
            folder.display()
        );
        Ok(())
    }

    /// Restarts the parts that have ended, at their old addresses and with their old data.
    pub fn restart_ended(&mut self) -> Result<()> {
        for service in &mut self.services {
            self.run.restart_if_ended(service)?;
        }
        Ok(())
    }

    /// Starts the functions again at their old addresses, with the code that is there now.
    pub fn restart_functions(&mut self) -> Result<()> {
        for service in &mut self.services {
            if function::NAMES.contains(&service.name()) {
                let before = service.addresses_named();
                self.run.restart(service)?;
                service.wait_for_addresses(before + 1, READY_WITHIN)?;
            }
        }
        Ok(())
    }

    /// Fails with the end of its log when a part has ended by itself.
    pub fn check_health(&mut self) -> Result<()> {
        self.check_health_of(|_| true)
    }

    /// The same, the functions apart.
    pub fn check_health_without_functions(&mut self) -> Result<()> {
        self.check_health_of(|name| !function::NAMES.contains(&name))
    }

    fn check_health_of(&mut self, is_checked: fn(&str) -> bool) -> Result<()> {
        for service in &mut self.services {
            if is_checked(service.name()) && service.has_ended()? {
                bail!("{} ended by itself:\n{}", service.name(), service.log_end());
            }
        }
        Ok(())
    }
}

/// A port that is free now.
fn free_port() -> Result<u16> {
    let listener =
        std::net::TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// A part of the stack and where it is.
struct Server {
    url: String,
    service: Service,
}
