//! Everything decided before the first connection: profile, endpoints, secrets, scenarios, seed.
//! A mistake in any of them is a usage error, and nothing was touched.

use std::path::{Path, PathBuf};

use csi_stretch_oracle::{clause::Catalogue, known::Known, offer::Offers};

use super::{args::Args, selection};
use crate::{
    cli::{input, outcome::Failure},
    client::{channel, secrets::Secrets},
    host::facts,
    runner::{
        registry::{self, WayBack},
        session::path_roots,
    },
    scenario::{self, Planned, Scenario, Sizes},
    target::{Endpoint, Profile, endpoint as endpoints, known::Words, profile::Size, secrets},
};

/// See the module.
pub(super) struct Setting {
    pub seed: u64,
    pub catalogue: Catalogue,
    pub scenarios: Vec<Scenario>,
    pub profile: Profile,
    /// What the profile owns up to.
    pub known: Known,
    /// `None`: the embedded reference driver.
    pub endpoint: Option<Endpoint>,
    pub controller_endpoint: Option<Endpoint>,
    /// How they are spoken to.
    pub options: channel::Options,
    pub secrets: Secrets,
    /// Folder of all runs' folders.
    pub root: PathBuf,
}

impl Setting {
    /// Reads what the arguments name.
    pub fn make(args: &Args) -> Result<Self, Failure> {
        if let Some(path) = &args.mariadbd {
            let wrong =
                |why| Failure::usage(format!("--mariadbd: {why}: name the server's program"));
            facts::give("tool.mariadbd", path).map_err(wrong)?;
        }
        let profile = profile(args)?;
        let controller = args.controller_endpoint.as_ref().or(profile.controller_endpoint.as_ref());
        let secrets = args.secrets.as_ref().or(profile.secrets.as_ref());
        let embedded = args.endpoint.is_none() && args.target.is_none();
        let endpoint = if embedded { None } else { Some(endpoint(args, &profile)?) };
        let controller = controller.map(|text| address(text, embedded)).transpose()?;
        if let Some(Endpoint::Flex(_)) = endpoint
            && (controller.is_some() || profile.dialect.is_some())
        {
            return Err(Failure::usage(
                "a FlexVolume driver has neither a controller endpoint nor a dialect of CSI: leave \
                 them out",
            ));
        }
        let options = options(args, &profile, endpoint.iter().chain(&controller))?;
        let secrets = secrets.map_or_else(|| Ok(Secrets::default()), |path| secrets::load(path));
        let catalogue = input::catalogue()?;
        let scenarios = input::scenarios(&args.scenarios)?;
        selection::check(args, &scenarios)?;
        Ok(Self {
            seed: args.seed.unwrap_or_else(clock_seed),
            known: known(args, &profile, &catalogue, &scenarios)?,
            catalogue,
            scenarios,
            endpoint,
            controller_endpoint: controller,
            secrets: secrets.map_err(Failure::usage)?.hiding(options.bearer.as_deref()),
            options,
            root: registry::root(args.work_dir.as_deref()).map_err(Failure::lab)?,
            profile,
        })
    }

    /// How a later `clean` reaches what this run makes, if the run does not start the driver
    /// itself. `dir`: the subject's part of the run's folder.
    pub fn way_back(&self, args: &Args, run_id: &str, dir: &Path) -> Option<WayBack> {
        let Some(Endpoint::Address(endpoint)) = &self.endpoint else { return None };
        let secrets = args.secrets.as_ref().or(self.profile.secrets.as_ref());
        let (staging, targets) = path_roots(&self.profile, run_id, dir);
        Some(WayBack {
            endpoint: endpoint.clone(),
            controller_endpoint: self.controller_endpoint.as_ref().map(ToString::to_string),
            dialect: self.profile.dialect,
            transport: args.transport.over(&self.profile.transport).absolute(),
            secrets: secrets.and_then(|path| std::path::absolute(path).ok()),
            staging: absolute(staging),
            targets: absolute(targets),
        })
    }

    /// Folders outside of the run's own in which it has paths; each bears the run's name.
    pub fn roots(&self, run_id: &str) -> Vec<PathBuf> {
        let bases = [&self.profile.staging_dir, &self.profile.target_dir];
        bases.into_iter().flatten().map(|base| absolute(base.join(run_id))).collect()
    }

    /// What runs on a target with these offers.
    pub fn plan(&self, args: &Args, offers: &Offers) -> Vec<Planned> {
        let bytes = |size: &Option<Size>| size.as_ref().and_then(|size| size.bytes().ok());
        let base = bytes(&self.profile.sizes.base);
        let grown = bytes(&self.profile.sizes.grown).unwrap_or(0);
        let options = scenario::Options {
            seed: self.seed,
            sizes: Sizes { grown, ..base.map_or_else(Sizes::default, Sizes::at_least) },
            parameters: self.profile.parameters.clone(),
            ..selection::options(args)
        };
        scenario::plan(&self.scenarios, offers, &options)
    }
}

/// The profile's waivers and expected failures, each checked.
fn known(
    args: &Args,
    profile: &Profile,
    catalogue: &Catalogue,
    scenarios: &[Scenario],
) -> Result<Known, Failure> {
    let Some(path) = &args.target else { return Ok(Known::default()) };
    let clauses: Vec<&str> = catalogue.iter().map(|clause| clause.id.as_str()).collect();
    let mut ids = Vec::new();
    if !profile.expected_failures.is_empty() {
        // A profile serves the built-in scenarios and a user's own.
        let embedded = input::scenarios(&[])?;
        for instance in
            scenario::everything(&embedded).into_iter().chain(scenario::everything(scenarios))
        {
            ids.extend([instance.scenario, instance.id]);
        }
        ids.sort();
        ids.dedup();
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let words = Words { clauses: &clauses, scenarios: &ids };
    let known = profile.known(path, &words).map_err(Failure::usage)?;
    Ok(Known { whole_plan: selection::is_whole(args), ..known })
}

/// The controller service's own address.
fn address(text: &str, embedded: bool) -> Result<Endpoint, Failure> {
    match Endpoint::parse(text).map_err(Failure::usage)? {
        Endpoint::Exec(_) | Endpoint::Flex(_) => Err(Failure::usage(
            "a controller endpoint is an address, unix:///path/csi.sock or tcp://host:port; only \
             --endpoint starts a driver or runs one of FlexVolume",
        )),
        Endpoint::Address(_) if embedded => Err(Failure::usage(
            "--controller-endpoint needs --endpoint or --target: where the node service is",
        )),
        address @ Endpoint::Address(_) => Ok(address),
    }
}

/// What the profile and the arguments say of the way to these endpoints, read and checked.
fn options<'a>(
    args: &Args,
    profile: &Profile,
    all: impl Iterator<Item = &'a Endpoint>,
) -> Result<channel::Options, Failure> {
    let options = args.transport.over(&profile.transport).load().map_err(Failure::usage)?;
    endpoints::check(all, &options).map_err(Failure::usage)?;
    Ok(options)
}

/// The profile of `--target`, or of the embedded driver, or an empty one; with what the arguments
/// say in its place.
fn profile(args: &Args) -> Result<Profile, Failure> {
    let mut profile = match (&args.target, &args.endpoint) {
        (Some(path), _) => Profile::load(path).map_err(Failure::usage)?,
        (None, Some(_)) => Profile { assumed: true, ..Profile::default() },
        (None, None) => Profile::reference().map_err(Failure::internal)?,
    };
    if let Some(path) = &args.parameters {
        profile.parameters = parameters(path)?;
    }
    if let Some(bytes) = args.volume_size {
        profile.sizes.base = Some(Size::Bytes(bytes));
    }
    if let Some(bytes) = args.expand_size {
        profile.sizes.grown = Some(Size::Bytes(bytes));
    }
    if !args.access.is_empty() {
        profile.access.clone_from(&args.access);
    }
    profile.sizes.check().map_err(Failure::usage)?;
    // Drivers take absolute paths only.
    profile.staging_dir = args.staging_dir.clone().or(profile.staging_dir).map(absolute);
    profile.target_dir = args.target_dir.clone().or(profile.target_dir).map(absolute);
    Ok(profile)
}

fn parameters(path: &Path) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    serde_saphyr::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is no map: {error}", path.display())))
}

fn endpoint(args: &Args, profile: &Profile) -> Result<Endpoint, Failure> {
    let address = profile.endpoint.as_deref().filter(|text| *text != "exec");
    if let Some(text) = args.endpoint.as_deref().or(address) {
        let endpoint = Endpoint::parse(text).map_err(Failure::usage)?;
        return match endpoint {
            Endpoint::Flex(path) if !path.is_file() => Err(Failure::usage(format!(
                "flex: there is no {}: give the path of the driver's executable",
                path.display()
            ))),
            endpoint => Ok(endpoint),
        };
    }
    if profile.command.is_empty() {
        return Err(Failure::usage(
            "the profile has neither an `endpoint` to connect to nor a `command` to start; \
             add one, or give --endpoint",
        ));
    }
    Ok(Endpoint::Exec(profile.command.clone()))
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn clock_seed() -> u64 {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Short seeds are easier to read out; 32 bits are plenty of different runs.
    (now.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(20)) & 0xffff_ffff
}
