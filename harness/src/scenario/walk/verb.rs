//! What verbs change and need.

use csi_stretch_oracle::action::{Database, Engine, PathRef, Rpc};

use super::Walk;
use crate::scenario::{
    error::{At, Problem},
    lexeme::Keep,
};

impl Walk<'_> {
    pub(super) fn create_step(&mut self, at: At, handle: &str) -> Result<(), Problem> {
        let volume = self.program.volume(handle);
        if self.volumes.get(handle).is_some_and(|state| state.exists) {
            let message =
                format!("the set-up creates `{handle}` already: say `create: false` there");
            return Err(Problem::new(at, message));
        }
        if let Some(volume) = volume {
            self.create(volume);
        }
        Ok(())
    }

    pub(super) fn stage(&mut self, at: At, handle: &str) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        state.attached = true;
        state.staged = true;
        let outgrown = std::mem::take(&mut state.outgrown);
        self.need_rpc(Rpc::NodeStage);
        self.sent.extend([Rpc::ControllerPublish, Rpc::NodeStage]);
        if outgrown {
            self.need_growth_of(volume, "offline");
        }
        Ok(())
    }

    pub(super) fn publish(
        &mut self,
        at: At,
        handle: &str,
        target: u8,
        readonly: bool,
    ) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        state.attached = true;
        state.targets.insert(target);
        if readonly {
            state.readonly.insert(target);
        }
        let outgrown = std::mem::take(&mut state.outgrown);
        self.need_rpc(Rpc::NodePublish);
        self.sent.extend([Rpc::ControllerPublish, Rpc::NodeStage, Rpc::NodePublish]);
        if outgrown {
            self.need_growth_of(volume, "offline");
        }
        Ok(())
    }

    pub(super) fn unpublish(
        &mut self,
        at: At,
        handle: &str,
        keep: Option<Keep>,
    ) -> Result<(), Problem> {
        let (_, state) = self.live(at, handle)?;
        if !state.in_use() {
            return Err(Problem::new(at, format!("`{handle}` is not published here")));
        }
        if state.writer.is_some() {
            return Err(Problem::new(at, "a writer runs: `stop_writer` first"));
        }
        if state.database.is_some() {
            return Err(Problem::new(at, "a database runs: `stop_database` first"));
        }
        state.targets.clear();
        state.readonly.clear();
        state.staged = keep == Some(Keep::Staged);
        state.attached = keep.is_some();
        if keep == Some(Keep::Staged) {
            self.need_rpc(Rpc::NodeStage);
        }
        self.sent.extend([Rpc::NodeUnpublish, Rpc::NodeUnstage, Rpc::ControllerUnpublish]);
        Ok(())
    }

    pub(super) fn grow(
        &mut self,
        at: At,
        handle: &str,
        to: i64,
        path: Option<&PathRef>,
    ) -> Result<(), Problem> {
        self.need("expand");
        self.need_path(path);
        self.sent.extend([Rpc::ControllerExpand, Rpc::NodeExpand]);
        self.expand(at, handle, to)
    }

    /// A growth that is meant to succeed, now.
    pub(super) fn expand(&mut self, at: At, handle: &str, to: i64) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        let (in_use, mounted, larger) = (state.in_use(), state.mounted(), to > state.bytes);
        state.bytes = state.bytes.max(to);
        state.outgrown |= larger && !mounted;
        match (in_use, self.offline_only) {
            (true, true) => return Ok(()),
            (true, false) => self.need("expand.online"),
            (false, _) => self.need("expand.offline"),
        }
        if larger && mounted {
            self.need_growth_of(volume, "online");
        }
        Ok(())
    }

    pub(super) fn node_expand(
        &mut self,
        at: At,
        handle: &str,
        path: Option<&PathRef>,
    ) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        if !state.mounted() {
            let message = "nothing can grow on the node: `stage` or `publish` the volume first";
            return Err(Problem::new(at, message));
        }
        self.need_path(path);
        self.need_rpc(Rpc::NodeExpand);
        self.need_growth_of(volume, "online");
        self.sent.insert(Rpc::NodeExpand);
        Ok(())
    }

    pub(super) fn delete(&mut self, at: At, handle: &str) -> Result<(), Problem> {
        let (_, state) = self.live(at, handle)?;
        if state.in_use() {
            return Err(Problem::new(at, format!("`{handle}` is published: `unpublish` first")));
        }
        state.exists = false;
        self.need_rpc(Rpc::DeleteVolume);
        self.sent.insert(Rpc::DeleteVolume);
        Ok(())
    }

    pub(super) fn data(&mut self, at: At, handle: &str) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        let reachable = !state.targets.is_empty() || (state.staged && !volume.is_block());
        if !reachable {
            let message = format!("`{handle}` cannot be written or read here: `publish` it first");
            return Err(Problem::new(at, message));
        }
        self.need("data");
        Ok(())
    }

    /// It needs a place that can be written, and room for its log.
    pub(super) fn start_database(
        &mut self,
        at: At,
        handle: &str,
        database: &Database,
    ) -> Result<(), Problem> {
        self.data(at, handle)?;
        self.need(database.engine.offer());
        let (volume, state) = self.live(at, handle)?;
        let is_block = volume.is_block();
        if is_block && state.written && !state.rows {
            return Err(Problem::new(at, "a block device takes writes or a database"));
        }
        // Where it is published first is where it works.
        if state.targets.first().is_some_and(|first| state.readonly.contains(first)) {
            let message = format!("`{handle}` is published read-only: a database has to write");
            return Err(Problem::new(at, message));
        }
        let least = database.engine.block_bytes_min();
        if is_block && state.bytes < least {
            let (engine, mebibytes) = (database.engine, least >> 20);
            let message = format!(
                "a database of the engine `{engine}` needs a block volume of {mebibytes} MiB at \
                 least, for its log: give it `size: {mebibytes}MiB` or more"
            );
            return Err(Problem::new(at, message));
        }
        state.database = Some(at);
        state.rows = true;
        if is_block && database.engine == Engine::Mariadb {
            self.need("database.mariadb-block");
        }
        Ok(())
    }

    /// A database has to be running.
    pub(super) fn database(&mut self, at: At, handle: &str) -> Result<(), Problem> {
        match self.live(at, handle)?.1.database {
            Some(_) => Ok(()),
            None => Err(Problem::new(at, "no database runs here: `start_database` first")),
        }
    }

    /// Only the first block of a block device can look like something else.
    pub(super) fn wrote(&mut self, at: At, handle: &str, guise: bool) -> Result<(), Problem> {
        let (volume, state) = self.live(at, handle)?;
        if volume.is_block() && state.rows {
            return Err(Problem::new(at, "a block device takes writes or a database"));
        }
        let first = !std::mem::replace(&mut state.written, true);
        if guise && !(first && volume.is_block()) {
            return Err(Problem::new(at, "`like` is for the first write of a block volume"));
        }
        Ok(())
    }
}
