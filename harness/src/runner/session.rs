//! A target that is open: connected, asked what it offers, with its workers at hand. Subject and
//! reference are opened by the same code.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use csi_stretch_oracle::{
    action::Fault,
    history::{Code, Completion, Failure, Outcome, Target, Tier},
};

use super::{Workers, record::Recorder, vigil::Vigil};
use crate::{
    Boxed,
    client::{
        Client, Dialect, channel,
        control::Control,
        flex::{self, Flex},
        flexvolume::Trouble,
        secrets::Secrets,
    },
    host::{self, Observer},
    nemesis::Nemesis,
    target::{
        Declared, Endpoint, Launched, Profile,
        discover::DiscoverError,
        meet, offers,
        process::{Launch, LaunchError},
        profile::ProfileError,
        support::Support,
    },
    workload::{Medium, files::Files, worker::Ledgers},
};

/// How to open a target.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where it is, or how it is started.
    pub endpoint: Endpoint,
    /// The same for the report, in place of the endpoint's own text.
    pub shown: Option<String>,
    /// Controller service elsewhere.
    pub controller_endpoint: Option<Endpoint>,
    /// How connections to both are made.
    pub options: channel::Options,
    /// What a person says of it.
    pub profile: Profile,
    /// Secrets for its calls.
    pub secrets: Secrets,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub deadline: Duration,
    /// The run's folder, and this side's part of it.
    pub dir: PathBuf,
    /// Name of the run.
    pub run_id: String,
    /// Where the driver's output goes, if it is started.
    pub log: PathBuf,
}

/// An open target.
pub struct Session {
    /// As recorded in the history.
    pub target: Target,
    /// The driver's own declaration.
    pub declared: Declared,
    client: Arc<dyn Client>,
    observer: Arc<dyn Observer>,
    medium: Arc<dyn Medium>,
    launched: Option<Arc<Launched>>,
    vigil: Option<Arc<Vigil>>,
    recorder: Recorder,
    folder: PathBuf,
    deadline: Duration,
}

/// Why a target could not be opened. All of these are the lab's or the command line's fault, or
/// the driver does not speak CSI at all: exit 3.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The driver could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Nothing answers.
    #[error(transparent)]
    Connect(#[from] channel::ConnectError),
    /// The FlexVolume driver does not even initialize.
    #[error("init of the FlexVolume driver: {0}")]
    Flex(#[from] Trouble),
    /// Something answers that is no usable CSI driver.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The profile is wrong.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl Session {
    /// Starts (for `exec`), connects, asks. One clear error; nothing is left running on failure.
    pub async fn open(opening: &Opening) -> Result<Self, OpenError> {
        let launched = match &opening.endpoint {
            Endpoint::Exec(command) => Some(Arc::new(launch(command, opening).await?)),
            Endpoint::Address(_) | Endpoint::Flex(_) => None,
        };
        let address = match (&launched, &opening.endpoint) {
            (Some(launched), _) => format!("unix://{}", launched.socket().display()),
            (None, endpoint) => endpoint.to_string(),
        };
        let Met { client, declared, dialect, simulation } = match &opening.endpoint {
            Endpoint::Flex(program) => run_directly(program, opening).await?,
            Endpoint::Exec(_) | Endpoint::Address(_) => connect(&address, opening).await?,
        };
        let (observer, medium, tier): (Arc<dyn Observer>, Arc<dyn Medium>, _) = match simulation {
            Some(control) => (control.clone(), control, Tier::Memory),
            None => (Arc::new(host::Kernel::default()), Arc::new(Files), Tier::Loop),
        };
        let mut support = Support::of(tier, launched.is_some());
        support.paths = room_for_paths(&opening.path_roots());
        let target = Target {
            name: declared.name.clone(),
            vendor_version: declared.vendor_version.clone(),
            dialect: dialect.into(),
            endpoint: opening.shown.clone().unwrap_or_else(|| opening.endpoint.to_string()),
            offers: offers::offers(&declared, &opening.profile, &support)?,
            tier,
        };
        let recorder = Recorder::new(opening.secrets.clone());
        Ok(Self {
            target: recorder.target(target),
            declared,
            client,
            observer,
            medium,
            vigil: launched.clone().map(|launched| Arc::new(Vigil::new(launched))),
            launched,
            recorder,
            folder: opening.dir.clone(),
            deadline: opening.deadline,
        })
    }

    /// Workers for one scenario, with a ledger of its own.
    pub fn workers(&self, seed: u64) -> Workers {
        let nemesis = self
            .launched
            .clone()
            .map(|launched| -> Arc<dyn Nemesis> { Arc::new(Restarter { launched }) });
        Workers {
            client: self.client.clone(),
            host: self.observer.clone(),
            workload: Arc::new(
                Ledgers::new(seed, self.medium.clone()).with_folder(self.folder.join("databases")),
            ),
            nemesis,
            vigil: self.vigil.clone(),
            recorder: self.recorder.clone(),
            deadline: self.deadline,
        }
    }

    /// The connection, for questions outside a scenario.
    pub fn client(&self) -> &dyn Client {
        self.client.as_ref()
    }

    /// The watch over a driver that this run started.
    pub fn vigil(&self) -> Option<&Vigil> {
        self.vigil.as_deref()
    }

    /// Makes what this target says fit for a history.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Ends a driver that this run started.
    pub async fn close(&self) {
        if let Some(launched) = &self.launched {
            launched.stop(Duration::from_secs(5)).await;
        }
    }
}

/// A driver that has said what it is.
struct Met {
    client: Arc<dyn Client>,
    declared: Declared,
    dialect: &'static str,
    /// Its node, if that is simulated.
    simulation: Option<Arc<Control>>,
}

/// Connects, and asks.
async fn connect(address: &str, opening: &Opening) -> Result<Met, OpenError> {
    let (options, timeout) = (&opening.options, opening.connect_timeout);
    let node = channel::connect(address, options, timeout).await?;
    let controller = match &opening.controller_endpoint {
        Some(endpoint) => channel::connect(&endpoint.to_string(), options, timeout).await?,
        None => node.clone(),
    };
    let speak = |dialect: Dialect| {
        dialect.client(controller.clone(), node.clone(), opening.secrets.clone())
    };
    let (client, declared) = meet(speak, opening.profile.dialect, timeout).await?;
    let control = Control::new(node);
    let simulation = control.is_served(timeout).await.then(|| Arc::new(control));
    Ok(Met { client, dialect: declared.dialect.name(), declared, simulation })
}

/// A FlexVolume driver is run for each call, on this machine.
async fn run_directly(program: &Path, opening: &Opening) -> Result<Met, OpenError> {
    let filled = |(key, value): (&String, &String)| (key.clone(), in_run_dir(value, opening));
    let env = opening.profile.env.iter().map(filled).collect();
    let flex = Flex::start(program, env, opening.deadline, opening.secrets.clone()).await?;
    let client: Arc<dyn Client> = Arc::new(flex);
    let (client, declared) =
        meet(|_| client.clone(), Some(Dialect::V1), opening.connect_timeout).await?;
    Ok(Met { client, declared, dialect: flex::DIALECT, simulation: None })
}

fn in_run_dir(text: &str, opening: &Opening) -> String {
    text.replace("{run_dir}", &opening.dir.display().to_string())
}

async fn launch(command: &[String], opening: &Opening) -> Result<Launched, OpenError> {
    let socket = opening.dir.join("csi.sock");
    let fill = |text: &String| {
        let socket = format!("unix://{}", socket.display());
        in_run_dir(&text.replace("{socket}", &socket), opening)
    };
    let launch = Launch {
        command: command.iter().map(fill).collect(),
        env: opening.profile.env.iter().map(|(key, value)| (key.clone(), fill(value))).collect(),
        socket: socket.clone(),
        log: opening.log.clone(),
        secrets: opening.secrets.clone(),
        patience: opening.profile.start_timeout()?,
        run_id: opening.run_id.clone(),
    };
    Ok(Launched::start(launch).await?)
}

/// Nemesis of kind `process`: SIGKILL and start again.
struct Restarter {
    launched: Arc<Launched>,
}

impl Nemesis for Restarter {
    fn perform<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Completion> {
        Box::pin(async move {
            let Fault::RestartDriver = fault;
            match self.launched.restart().await {
                Ok(()) => Completion::Ok(Outcome::Done),
                Err(error) => Completion::Fail(Failure {
                    code: Code::Unavailable,
                    message: error.to_string(),
                }),
            }
        })
    }
}

impl Opening {
    /// Folders of staging and target paths; each scenario has its own below them.
    pub fn path_roots(&self) -> (PathBuf, PathBuf) {
        path_roots(&self.profile, &self.run_id, &self.dir)
    }

    /// Goes before the name of everything that a scenario makes; unique per run and scenario.
    pub fn name_prefix(run_id: &str, scenario: u32) -> String {
        format!("stretch-{run_id}-{scenario}")
    }
}

/// Staging and target folder of one scenario, as [`path_roots`] gives their roots. With
/// `path_bytes`, the paths of a volume `vol` are exactly that long.
pub fn own_roots(
    (staging, targets): (PathBuf, PathBuf),
    scenario: u32,
    path_bytes: Option<u16>,
) -> (PathBuf, PathBuf) {
    let own = |root: PathBuf, below: &str| {
        let root = root.join(scenario.to_string());
        match path_bytes {
            Some(bytes) => padded(root, usize::from(bytes).saturating_sub(below.len())),
            None => root,
        }
    };
    (own(staging, "/vol"), own(targets, "/vol/0"))
}

/// The longest scenario number, and the longer of the two paths of its volume.
const OWN_BYTES: usize = "/99999/p/vol/0".len();

/// A path of 128 bytes can be made below both roots.
fn room_for_paths((staging, targets): &(PathBuf, PathBuf)) -> Result<(), String> {
    let longest = [staging, targets].into_iter().max_by_key(|path| path.as_os_str().len());
    match longest.filter(|path| path.as_os_str().len() + OWN_BYTES > 128) {
        None => Ok(()),
        Some(path) => Err(format!("{} is too long: use a shorter --work-dir", path.display())),
    }
}

/// The path with folders below it, as many and as long as it takes to be `bytes` long.
fn padded(mut path: PathBuf, bytes: usize) -> PathBuf {
    /// Longest name that file systems take, and the slash before it.
    const STEP: usize = 256;
    loop {
        let missing = bytes.saturating_sub(path.as_os_str().len());
        // What is left after this name has to be nothing, or a name and its slash.
        let step = if missing == STEP + 1 { STEP - 1 } else { missing.min(STEP) };
        if step < 2 {
            return path;
        }
        path.push("p".repeat(step - 1));
    }
}

/// See [`Opening::path_roots`]; `dir` is a side's part of the run's folder.
pub fn path_roots(profile: &Profile, run_id: &str, dir: &Path) -> (PathBuf, PathBuf) {
    let root = |base: Option<&Path>, kind: &str| {
        base.map_or_else(|| dir.join(kind), |base| base.join(run_id))
    };
    (root(profile.staging_dir.as_deref(), "s"), root(profile.target_dir.as_deref(), "t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    fn paths_of_a_stated_length_have_it(
        #[values(128, 129, 300, 511, 512, 513, 4000)] bytes: u16,
        #[values("/s", "/tmp/a-folder", "/tmp/another-folder/of-a-run/below/that")] root: &str,
    ) {
        let (staging, targets) = own_roots((root.into(), root.into()), 7, Some(bytes));
        for path in [staging.join("vol"), targets.join("vol/0")] {
            assert_eq!(path.as_os_str().len(), usize::from(bytes), "{}", path.display());
            assert!(path.iter().all(|name| name.len() <= 255));
        }
    }

    #[test]
    fn a_long_root_is_told() {
        let long = PathBuf::from(format!("/{}", "d".repeat(120)));
        let why = room_for_paths(&("/s".into(), long)).unwrap_err();
        assert!(why.contains("--work-dir"), "{why}");
    }
}
