//! `serve`: answers requests until told to stop.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use horde_model_reference::audit::{Archive, Trail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::replica::Follower;
use horde_model_reference::settings::{Settings, Sources};
use horde_model_reference::{Category, ModelReference, Options, Primary};
use horde_model_reference_server::app::{App, Inner};
use horde_model_reference_server::auth::Users;
use horde_model_reference_server::cors::Cors;
use horde_model_reference_server::layers::Layers;
use horde_model_reference_server::past::Past;
use horde_model_reference_server::process::Worker;
use horde_model_reference_server::request_body::BodyLimits;
use horde_model_reference_server::router::{router, table};
use horde_model_reference_server::serve::{Limits, serve};
use horde_model_reference_server::settings::{Http, ServerSettings};
use horde_model_reference_server::settler::Settler;
use horde_model_reference_server::traffic::Traffic;
use listenfd::ListenFd;
use socket2::{Domain, Socket, Type};
use tokio_util::sync::CancellationToken;

use crate::{data, logging, memory, origin};

/// Connections the system may hold for us before they are accepted.
const BACKLOG: i32 = 1024;

/// Serve a folder of model-reference files over HTTP.
///
/// Every option is also an environment variable; `horde-model-reference env` lists them all.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name or address to listen at [default: 127.0.0.1].
    #[arg(long)]
    host: Option<String>,
    /// Port to listen at; 0 takes any free one [default: 19800].
    #[arg(long)]
    port: Option<String>,
    /// Folder above the data, which lies in its `horde_model_reference` [default: ./models].
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Settings in a TOML file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How log lines are written: text or json [default: text].
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

pub(crate) fn execute(args: Args) -> anyhow::Result<()> {
    memory::give_back();
    let worker = Worker::start();
    let loaded = ServerSettings::load(args.sources())?;
    let settings = loaded.settings;
    logging::start(&settings.log);
    for warning in loaded.warnings {
        tracing::warn!("{warning}");
    }
    for note in loaded.notes {
        tracing::info!("{note}");
    }
    let stop = stop_on_signals()?;
    let listener = listen(&settings.http)?;
    let address = listener.local_addr()?;
    let layout = data::layout(&settings.core);
    refuse_the_folder_itself(&settings.core)?;
    let follower = origin::follow(&settings.core, &layout, &stop);
    let (reference, primary) = open(&settings.core, layout, &stop)?;
    let users = Users::new(&settings.core.horde_api, &settings.auth)?;
    let app = App::new(Inner {
        reference,
        primary,
        mode: settings.core.replication.mode,
        follower: follower.as_ref().map(Follower::watch),
        canonical: settings.core.storage.canonical_format,
        users,
        past: past(&settings.core),
        queue: settings.core.queue.clone(),
        licensing: settings.core.licensing.clone(),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        body_limits: body_limits(&settings.http),
        refuses_unknown_members: settings.core.storage.refuse_unknown_members,
        cors: Cors::new(settings.http.cors_allowed_origins.as_slice().to_vec()),
        access_log: settings.log.access_log,
        worker,
        traffic: Traffic::new(&table()),
    });
    tell_what_is_missing(&app.reference, &settings.core);
    tracing::info!(%address, "serving at http://{address}/api");
    let queue = app.primary.as_ref().filter(|_| app.has_queue()).map(|primary| primary.queue());
    let settler = queue.map(|queue| Settler::start(queue, &stop)).transpose()?;
    let layers = Layers::new(app.clone(), router(app));
    serve(listener, layers, limits(&settings.http), &stop)?;
    drop(settler);
    drop(follower);
    tracing::info!("stopped");
    Ok(())
}

impl Args {
    /// What was said on the command line outweighs everything else.
    fn sources(&self) -> Sources {
        let mut sources = Sources::from_process_env();
        let path = |path: &PathBuf| path.display().to_string();
        let given = [
            ("HORDE_MODEL_REFERENCE_HOST", self.host.clone()),
            ("HORDE_MODEL_REFERENCE_PORT", self.port.clone()),
            ("AIWORKER_CACHE_HOME", self.data.as_ref().map(path)),
            ("HORDE_MODEL_REFERENCE_CONFIG", self.config.as_ref().map(path)),
            ("HORDE_MODEL_REFERENCE_LOG_FORMAT", self.log_format.clone()),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                sources.overrides.push((name.into(), value));
            }
        }
        sources
    }
}

/// The data, and the right to change them where this is the authority.
fn open(
    settings: &Settings,
    layout: Layout,
    stop: &CancellationToken,
) -> anyhow::Result<(ModelReference, Option<Primary>)> {
    let storage = &settings.storage;
    let options = Options {
        canonical: storage.canonical_format,
        copied: !settings.replication.is_primary(),
        leases: data::leases(&settings.coherence),
        watch: true,
        ..Options::default()
    };
    let root = layout.root.display().to_string();
    let files = Arc::new(Files::new(layout));
    if settings.seeding.enabled {
        for failure in files.recover_all() {
            tracing::error!(%failure, "a file that was set aside could not be put back");
        }
        origin::seed(settings, files.layout(), stop)?;
    }
    let opened = if settings.replication.is_primary() {
        let trail = || Trail::from_settings(&settings.audit, &files.layout().root);
        for failure in Primary::prepare(&files, options.canonical, trail()) {
            tracing::error!(%failure, "the data folder could not be completed");
        }
        let (trail, files) = (trail(), Arc::clone(&files));
        let primary = match settings.redis.use_redis {
            true => Primary::open_with_redis(files, options, trail, &settings.redis, None),
            false => Primary::open(files, options, trail),
        };
        primary.map(|primary| (primary.reference().clone(), Some(primary)))
    } else {
        ModelReference::open(files, options).map(|reference| (reference, None))
    };
    opened.with_context(|| format!("cannot open the data in {root}"))
}

/// The audit trail, where one is kept.
fn past(settings: &Settings) -> Option<Past> {
    let root = Trail::root_of(&settings.audit, &settings.storage.data_root());
    settings.audit.enabled.then(|| Past::new(Archive::new(root)))
}

/// Whoever names the data folder itself instead of the one above would get an empty one inside it.
fn refuse_the_folder_itself(settings: &Settings) -> anyhow::Result<()> {
    let (home, root) = (&settings.storage.cache_home, settings.storage.data_root());
    let holds_files = ["stable_diffusion.json", "text_generation.json", "clip.json"]
        .iter()
        .any(|file| home.join(file).is_file());
    anyhow::ensure!(
        !holds_files || root.exists(),
        "{} holds category files itself, but the folder above {} is wanted: \
         name its parent, or move the files there",
        home.display(),
        root.file_name().unwrap_or_default().display(),
    );
    Ok(())
}

/// An empty folder is served, too; but somebody should know, and know what to do.
fn tell_what_is_missing(reference: &ModelReference, settings: &Settings) {
    let is_empty = |category: &Category| reference.category_blocking(*category).view.is_empty();
    let kept_here = Category::ALL.into_iter().filter(|category| category.has_legacy_form());
    let missing: Vec<_> = kept_here.filter(is_empty).map(Category::name).collect();
    if missing.is_empty() {
        return;
    }
    let folder = settings.storage.data_root();
    tracing::warn!(
        categories = missing.join(", "),
        "no models in some categories. Put their files into {}, or run `horde-model-reference \
         import SOURCE` with a folder, a repository or another server; \
         HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED=true fetches the public files at the start",
        folder.display()
    );
}

fn limits(http: &Http) -> Limits {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Limits {
        threads: http.worker_threads.into(),
        connections: usize::try_from(http.max_connections.get()).unwrap_or(usize::MAX),
        head: seconds(http.header_timeout_seconds.get()),
        stall: seconds(http.stall_timeout_seconds.get()),
        grace: seconds(http.shutdown_grace_seconds),
    }
}

fn body_limits(http: &Http) -> BodyLimits {
    BodyLimits {
        largest: usize::try_from(http.max_body_bytes.get()).unwrap_or(usize::MAX),
        time: Duration::from_secs(http.body_timeout_seconds.get().into()),
    }
}

/// The socket handed over by a service manager if there is one, so that a restart has no gap; else a
/// new one.
fn listen(http: &Http) -> anyhow::Result<TcpListener> {
    let handed_over = ListenFd::from_env().take_tcp_listener(0);
    if let Some(listener) = handed_over.context("cannot use the socket handed over")? {
        return Ok(listener);
    }
    let place = format!("{}:{}", http.host.as_str(), http.port);
    let addresses = http.addresses().with_context(|| format!("cannot find {place}"))?;
    let mut refused = None;
    for address in addresses {
        match bind(address, http.reuse_port) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(error),
        }
    }
    let refused = refused.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into());
    Err(refused).with_context(|| format!("cannot listen at {place}"))
}

fn bind(address: SocketAddr, reuse_port: bool) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A token that is cancelled by SIGTERM or SIGINT. A second signal ends the process at once.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGHUP,
    ])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if signal == signal_hook::consts::SIGHUP {
                tracing::info!("nothing to reload: files are looked at all the time");
                continue;
            }
            if signalled.is_cancelled() {
                std::process::exit(128 + signal);
            }
            tracing::info!(signal, "stopping; answers under way are finished");
            signalled.cancel();
        }
    })?;
    Ok(stop)
}
