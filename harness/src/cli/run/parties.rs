//! Who is tested, and who it is compared with: the embedded reference driver is this very program,
//! started as `csi-stretch mock` and talked to over a socket like any other.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use csi_stretch_mock::Defect;
use csi_stretch_oracle::history::Tier;

use super::{
    args::{Args, OnOff, TierName},
    folder::Folder,
    setting::Setting,
};
use crate::{
    cli::outcome::Failure,
    client::{channel::Options, secrets::Secrets},
    runner::{Party, registry::RunDir, session::Opening},
    target::{Endpoint, Profile, profile::Switch, reference, support},
};

impl Setting {
    /// Starts and connects the target.
    pub async fn open_subject(
        &self,
        args: &Args,
        folder: &Folder,
        run_dir: &RunDir,
    ) -> Result<Party, Failure> {
        let dir = side_dir(run_dir, "subject")?;
        let (endpoint, shown) = if let Some(endpoint) = &self.endpoint {
            (endpoint.clone(), None)
        } else {
            let loops = loops(args.tier)?;
            shows(args.defect, loops)?;
            embedded(&dir, loops, None, args.defect)?
        };
        let deadline = match args.deadline {
            Some(deadline) => deadline,
            None => self.profile.deadline().map_err(Failure::usage)?,
        };
        let opening = Opening {
            endpoint,
            shown,
            controller_endpoint: self.controller_endpoint.clone(),
            options: self.options.clone(),
            profile: self.profile.clone(),
            secrets: self.secrets.clone(),
            connect_timeout: args.connect_timeout,
            deadline,
            dir,
            run_id: folder.run_id.clone(),
            log: folder.file("driver.log"),
        };
        Party::open(opening).await.map_err(Failure::lab)
    }

    /// The reference, or why there is none.
    pub async fn open_reference(
        &self,
        args: &Args,
        folder: &Folder,
        run_dir: &RunDir,
        subject: &Party,
    ) -> Result<Party, String> {
        let on = self.profile.reference == Switch::On;
        if !args.reference.map_or(on, |wish| wish == OnOff::On) {
            return Err("switched off".into());
        }
        let sound = self.endpoint.is_none() && args.defect.is_none();
        if sound && args.reference.is_none() {
            return Err("the target is the reference driver itself".into());
        }
        let mut party = self
            .start_reference(folder, run_dir, subject)
            .await
            .map_err(|failure| format!("the reference driver could not be started: {failure}"))?;
        party.plan = self.plan(args, &party.session.target.offers);
        Ok(party)
    }

    async fn start_reference(
        &self,
        folder: &Folder,
        run_dir: &RunDir,
        subject: &Party,
    ) -> Result<Party, Failure> {
        let loops = subject.session.target.tier == Tier::Loop && loops(TierName::Auto)?;
        let dir = side_dir(run_dir, "reference")?;
        let file = dir.join("profile.json");
        let profile = reference::mock_profile(&subject.session.target.offers);
        std::fs::write(&file, profile.to_string()).map_err(Failure::lab)?;
        let (endpoint, shown) = embedded(&dir, loops, Some(&file), None)?;
        let opening = Opening {
            endpoint,
            shown,
            controller_endpoint: None,
            options: Options::default(),
            profile: Profile {
                access: subject.opening.profile.access.clone(),
                sizes: subject.opening.profile.sizes.clone(),
                grows_at_stage: true,
                ..Profile::default()
            },
            secrets: Secrets::default(),
            log: folder.file("reference.log"),
            dir,
            ..subject.opening.clone()
        };
        Party::open(opening).await.map_err(Failure::lab)
    }
}

/// The command that serves the reference driver from this very program, and what a report says
/// of it (its paths are of no use to a reader).
fn embedded(
    dir: &Path,
    loops: bool,
    profile: Option<&Path>,
    defect: Option<&Defect>,
) -> Result<(Endpoint, Option<String>), Failure> {
    let program = crate::host::this_program().map_err(Failure::internal)?;
    let backing = if loops { "loop" } else { "memory" };
    let mut command = vec![program.display().to_string()];
    command.extend(["mock", "--listen", "{socket}", "--backing", backing].map(str::to_owned));
    command.extend(["--state-dir".to_owned(), dir.join("state").display().to_string()]);
    if let Some(profile) = profile {
        command.extend(["--profile".to_owned(), profile.display().to_string()]);
    }
    let mut shown = format!("embedded: csi-stretch mock --backing {backing}");
    if let Some(defect) = defect {
        command.extend(["--defect", defect.name].map(str::to_owned));
        let _ = write!(shown, " --defect {}", defect.name);
    }
    Ok((Endpoint::Exec(command), Some(shown)))
}

/// A defect that could not show would look like one that is not found.
fn shows(defect: Option<&Defect>, loops: bool) -> Result<(), Failure> {
    match defect.filter(|defect| !loops && defect.needs_real_devices()) {
        None => Ok(()),
        Some(Defect { name, .. }) => Err(Failure::usage(format!(
            "`{name}` shows on real devices only: run as root with --tier loop, or choose another \
             of `csi-stretch list defects`"
        ))),
    }
}

/// Whether the embedded driver uses real loop devices.
fn loops(tier: TierName) -> Result<bool, Failure> {
    let able = if cfg!(feature = "loop") {
        support::loop_devices()
    } else {
        Err("this build has no loop backing (feature `loop`)".into())
    };
    match (tier, able) {
        (TierName::Memory, _) | (TierName::Auto, Err(_)) => Ok(false),
        (TierName::Auto | TierName::Loop, Ok(())) => Ok(true),
        (TierName::Loop, Err(why)) => {
            Err(Failure::lab(format!("the loop tier cannot run here: {why}")))
        }
    }
}

fn side_dir(run_dir: &RunDir, side: &str) -> Result<PathBuf, Failure> {
    let dir = run_dir.path().join(side);
    std::fs::create_dir_all(&dir).map_err(Failure::lab)?;
    Ok(dir)
}
