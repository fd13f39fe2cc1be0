//! Follows a program step by step as if every call succeeded: finds steps in an impossible order,
//! and what the target has to offer for the rest, so that files need not list it.

mod raw;
mod verb;

pub(super) use raw::names_a_volume;

use std::collections::{BTreeMap, BTreeSet};

use csi_stretch_oracle::action::{PathRef, Rpc, Source};

use super::{
    error::{At, Problem},
    lexeme::FILE_SYSTEMS,
    program::{Command, Goal, Program, Volume, What},
};

/// What a target must offer, `requires` first, in order of use.
pub(crate) fn walk(program: &Program, requires: &[String]) -> Result<Vec<String>, Problem> {
    let mut walk = Walk { program, needs: requires.to_vec(), ..Walk::new(program) };
    walk.offline_only = requires.iter().any(|name| name == "expand.offline-only");
    for volume in &program.volumes {
        walk.need_use(volume);
        if volume.set_up {
            walk.create(volume);
        }
    }
    if program.orchestrator.is_some() {
        walk.need("node");
    }
    if program.needs_maximum {
        walk.need("size.maximum");
    }
    if program.path_bytes.is_some() {
        walk.need("paths.128");
    }
    for command in &program.commands {
        walk.step(command)?;
    }
    if let Some(at) = walk.volumes.values().find_map(|state| state.writer) {
        return Err(Problem::new(at, "this writer is never stopped: add `stop_writer`"));
    }
    // What has to be missing is not needed, although a step uses it.
    let absent = |name: &String| requires.iter().any(|r| r.strip_prefix('!') == Some(name));
    walk.needs.retain(|name| !absent(name));
    Ok(walk.needs)
}

struct Walk<'a> {
    program: &'a Program,
    needs: Vec<String>,
    volumes: BTreeMap<&'a str, State>,
    /// Calls that a step before has sent.
    sent: BTreeSet<Rpc>,
    offline_only: bool,
}

/// A volume, as it should be by now.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own in the specification"
)]
struct State {
    /// It was created once; its handle has an id.
    born: bool,
    exists: bool,
    attached: bool,
    staged: bool,
    targets: BTreeSet<u8>,
    /// Of these.
    readonly: BTreeSet<u8>,
    bytes: i64,
    /// Larger than its file system until the next stage or publication.
    outgrown: bool,
    /// Something was written, so that the first block is taken.
    written: bool,
    writer: Option<At>,
    database: Option<At>,
    /// A database was there.
    rows: bool,
}

impl State {
    fn in_use(&self) -> bool {
        self.attached || self.mounted()
    }

    fn mounted(&self) -> bool {
        self.staged || !self.targets.is_empty()
    }
}

impl<'a> Walk<'a> {
    fn new(program: &'a Program) -> Self {
        let state = |volume: &'a Volume| {
            (volume.handle.as_str(), State { bytes: volume.bytes, ..State::default() })
        };
        Self {
            program,
            needs: Vec::new(),
            volumes: program.volumes.iter().map(state).collect(),
            sent: BTreeSet::new(),
            offline_only: false,
        }
    }

    fn need(&mut self, name: &str) {
        if !self.needs.iter().any(|known| known == name) {
            self.needs.push(name.to_owned());
        }
    }

    fn need_rpc(&mut self, rpc: Rpc) {
        for name in rpc.needs() {
            self.need(name);
        }
    }

    /// Only plugins that stage have a staging path.
    fn need_path(&mut self, path: Option<&PathRef>) {
        if path == Some(&PathRef::Staging) {
            self.need("node.stage");
        }
    }

    fn need_use(&mut self, volume: &Volume) {
        match volume.kind.as_str() {
            "block" => self.need("access.block"),
            "" => self.need("access.mount"),
            fs => self.need(&format!("fs.{fs}")),
        }
    }

    /// `online.xfs` and the like; only file systems have such offers.
    fn need_growth_of(&mut self, volume: &Volume, when: &str) {
        if FILE_SYSTEMS.contains(&volume.kind.as_str()) {
            self.need(&format!("{when}.{}", volume.kind));
        }
    }

    fn create(&mut self, volume: &'a Volume) {
        self.need_rpc(Rpc::CreateVolume);
        self.sent.insert(Rpc::CreateVolume);
        let source = volume.source.as_ref().map(|source| match source {
            Source::Snapshot(_) => "controller.snapshot",
            Source::Volume(_) => "controller.clone",
        });
        if let Some(offer) = source {
            self.need(offer);
        }
        if let Some(state) = self.volumes.get_mut(volume.handle.as_str()) {
            state.born = true;
            state.exists = true;
            // Larger than its source, or the same: the driver has to make the file system fit.
            state.outgrown = volume.source.is_some();
        }
    }

    /// The state of a volume that exists.
    fn live(&mut self, at: At, handle: &str) -> Result<(&'a Volume, &mut State), Problem> {
        let volume = self.program.volume(handle);
        match (volume, self.volumes.get_mut(handle)) {
            (Some(volume), Some(state)) if state.exists => Ok((volume, state)),
            _ => Err(Problem::new(at, format!("the volume `{handle}` does not exist here"))),
        }
    }

    fn step(&mut self, command: &Command) -> Result<(), Problem> {
        let at = command.at;
        match &command.what {
            What::Create { volume, .. } => self.create_step(at, volume)?,
            What::Stage { volume, .. } => self.stage(at, volume)?,
            What::Publish { volume, target, path, readonly } => {
                self.need_path(path.as_ref());
                self.publish(at, volume, *target, *readonly)?;
            }
            What::Unpublish { volume, keep } => self.unpublish(at, volume, *keep)?,
            What::RestartPod { volume, target, path, readonly } => {
                self.need_path(path.as_ref());
                self.unpublish(at, volume, None)?;
                self.publish(at, volume, *target, *readonly)?;
            }
            What::Grow { volume, ranges, path } => {
                let to = ranges.last().map_or(0, |range| range.required);
                self.grow(at, volume, to, path.as_ref())?;
            }
            What::NodeExpand { volume, path, .. } => self.node_expand(at, volume, path.as_ref())?,
            What::Delete { volume } => self.delete(at, volume)?,
            What::Snapshot { of, .. } => {
                self.live(at, of)?;
                self.need_rpc(Rpc::CreateSnapshot);
                self.sent.insert(Rpc::CreateSnapshot);
            }
            What::Write { volume, like, .. } => {
                self.data(at, volume)?;
                self.wrote(at, volume, like.is_some())?;
            }
            What::Verify { volume } => self.data(at, volume)?,
            What::StartDatabase { volume, database } => {
                self.start_database(at, volume, database)?;
            }
            What::Await { volume, .. } => self.database(at, volume)?,
            What::CloseDatabase { volume, .. } => {
                self.database(at, volume)?;
                self.live(at, volume)?.1.database = None;
            }
            What::StartWriter { volume } => {
                self.data(at, volume)?;
                self.live(at, volume)?.1.writer = Some(at);
            }
            What::StopWriter { volume } => {
                let writer = self.live(at, volume)?.1.writer.take();
                writer
                    .ok_or_else(|| Problem::new(at, "no writer runs here: `start_writer` first"))?;
            }
            What::Probe { volume, .. } => {
                if !self.live(at, volume)?.1.mounted() {
                    let message = "nothing can be seen: `stage` or `publish` the volume first";
                    return Err(Problem::new(at, message));
                }
                self.need("observe");
            }
            What::Wait { .. } | What::Restart { .. } => {}
            What::RestartDriver => self.need("fault.restart"),
            What::StartPod { volume, target, readonly } => {
                self.publish(at, volume, *target, *readonly)?;
            }
            What::DeletePod { volume, .. } => self.unpublish(at, volume, None)?,
            What::Request { volume, bytes } => self.grow(at, volume, *bytes, None)?,
            What::Until { volume, goal, .. } => {
                self.live(at, volume)?;
                if let Goal::Answered(rpc) = goal {
                    self.need_rpc(*rpc);
                }
            }
            What::Call { .. } | What::Again { .. } | What::Parallel { .. } => self.raw(command)?,
        }
        Ok(())
    }
}
