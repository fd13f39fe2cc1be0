//! Verbs: what the orchestrator of a scenario does.

use csi_stretch_oracle::action::{CapacityRange, Close, Database, Place, Ref, Source};

use super::Compiler;
use crate::scenario::{
    error::{At, Problem},
    file::{
        AwaitArg, CopyArg, DatabaseArg, NodeExpandArg, PublishArg, SnapshotArg, StepFile, VolumeArg,
    },
    lexeme::{Amount, Flag, Handle, Millis, Number},
    program::{Omit, What},
    size::Size,
    word::{Args, Lexeme, Word},
};

/// Most growths of one step.
const GROWTHS_MAX: i64 = 500;
/// Connections of one load.
const LOADS_MAX: i32 = 64;
/// Several rows have to fit into a page of 16 KiB.
const ROW_BYTES_MIN: u64 = 64;
const ROW_BYTES_MAX: u64 = 8192;
/// Longest wait of an `await` that says none.
const AWAIT_MS: u64 = 60_000;

impl Compiler<'_> {
    /// The meaning of a step with that verb.
    pub(super) fn verb(&mut self, at: At, verb: &str, step: &StepFile) -> Result<What, Problem> {
        let StepFile { create, stage, publish, unpublish, restart_pod, grow, .. } = step;
        if let Some(Args(arg)) = create {
            let volume = self.volume(at, arg.volume.as_ref())?.handle.clone();
            let range = self.range(&volume, arg.size.as_ref(), arg.limit.as_ref())?;
            let bytes = self.sizes.get(&volume).copied().unwrap_or_default();
            let range = range.unwrap_or(CapacityRange { required: bytes, limit: 0 });
            return Ok(What::Create { volume, range, source: None });
        }
        if let Some(Args(arg)) = stage {
            let (volume, path) =
                (self.handle(at, arg.volume.as_ref())?, self.opt(arg.path.as_ref())?);
            return Ok(What::Stage { volume, path });
        }
        if let Some(Args(arg)) = publish {
            let (volume, target, readonly) = self.publication(at, arg)?;
            return Ok(What::Publish {
                volume,
                target,
                readonly,
                path: self.opt(arg.path.as_ref())?,
            });
        }
        if let Some(Args(arg)) = restart_pod {
            let (volume, target, readonly) = self.publication(at, arg)?;
            return Ok(What::RestartPod {
                volume,
                target,
                readonly,
                path: self.opt(arg.path.as_ref())?,
            });
        }
        if let Some(Args(arg)) = unpublish {
            let (volume, keep) =
                (self.handle(at, arg.volume.as_ref())?, self.opt(arg.keep.as_ref())?);
            return Ok(What::Unpublish { volume, keep });
        }
        if let Some(Args(arg)) = grow {
            let volume = self.handle(at, arg.volume.as_ref())?;
            let range = self.range(&volume, arg.to.as_ref(), arg.limit.as_ref())?;
            let range = range.ok_or_else(|| Problem::new(at, "`grow` needs `to` or `limit`"))?;
            let ranges = self.stairs(&volume, range, arg.times.as_ref())?;
            self.note_growth(&volume, range);
            return Ok(What::Grow { volume, ranges, path: self.opt(arg.path.as_ref())? });
        }
        self.other_verb(at, verb, step)
    }

    fn other_verb(&mut self, at: At, verb: &str, step: &StepFile) -> Result<What, Problem> {
        let of = |this: &Self, arg: &Option<Args<VolumeArg>>| {
            arg.as_ref().map(|arg| this.handle(at, arg.0.volume.as_ref())).transpose()
        };
        if let Some(Args(arg)) = &step.node_expand {
            return self.node_expand(at, arg);
        }
        if let Some(Args(arg)) = &step.snapshot {
            return self.snapshot(at, arg);
        }
        if let Some(Args(arg)) = step.restore.as_ref().or(step.clone.as_ref()) {
            return self.copy(at, verb, arg);
        }
        if let Some(volume) = of(self, &step.delete)? {
            return Ok(What::Delete { volume });
        }
        if let Some(Args(arg)) = &step.write {
            let volume = self.handle(at, arg.volume.as_ref())?;
            let bytes = self.opt(arg.bytes.as_ref())?;
            let bytes = bytes.ok_or_else(|| Problem::new(at, "`write` needs `bytes`"))?.0;
            let place = self.opt(arg.place.as_ref())?.unwrap_or(Place::Append);
            let like = self.opt(arg.like.as_ref())?;
            return Ok(What::Write { volume, bytes, place, like });
        }
        if let Some(volume) = of(self, &step.verify)? {
            return Ok(What::Verify { volume });
        }
        if let Some(volume) = of(self, &step.start_writer)? {
            return Ok(What::StartWriter { volume });
        }
        if let Some(volume) = of(self, &step.stop_writer)? {
            return Ok(What::StopWriter { volume });
        }
        if let Some(Args(arg)) = &step.start_database {
            return self.start_database(at, arg);
        }
        if let Some(Args(arg)) = &step.r#await {
            return self.wait_for(at, arg);
        }
        for (arg, how) in [(&step.stop_database, Close::Stop), (&step.kill_database, Close::Kill)] {
            if let Some(volume) = of(self, arg)? {
                return Ok(What::CloseDatabase { volume, how });
            }
        }
        if let Some(Args(arg)) = &step.probe {
            let volume = self.handle(at, arg.volume.as_ref())?;
            return Ok(What::Probe { volume, path: self.opt(arg.path.as_ref())? });
        }
        match &step.wait {
            Some(word) => Ok(What::Wait { ms: word.get(self.choice.axes)?.0 }),
            None => Ok(What::RestartDriver),
        }
    }

    fn node_expand(&mut self, at: At, arg: &NodeExpandArg) -> Result<What, Problem> {
        let volume = self.handle(at, arg.volume.as_ref())?;
        let range = self.range(&volume, arg.to.as_ref(), arg.limit.as_ref())?;
        let omit = self.omit(arg.omit.as_ref())?;
        if omit.iter().any(|field| matches!(field, Omit::Volume | Omit::Path)) {
            let message = "the verb leaves out optional fields only; use `call: node_expand`";
            return Err(Problem::new(at, message));
        }
        Ok(What::NodeExpand { volume, range, path: self.opt(arg.path.as_ref())?, omit })
    }

    fn start_database(&mut self, at: At, arg: &DatabaseArg) -> Result<What, Problem> {
        let volume = self.handle(at, arg.volume.as_ref())?;
        let usual = Database::default();
        let count = |this: &Self, word: Option<&Word<Number>>, most: i32, otherwise: u8| {
            let Some(word) = word else { return Ok(otherwise) };
            match word.get(this.choice.axes)? {
                Number(n) if (0..=most).contains(&n) => Ok(n as u8),
                Number(n) => Err(Problem::new(word.at, format!("{n} is not from 0 to {most}"))),
            }
        };
        let row = self.opt(arg.row.as_ref())?.map(|Amount(bytes)| bytes);
        let row_bytes = match row {
            None => usual.row_bytes,
            Some(bytes @ ROW_BYTES_MIN..=ROW_BYTES_MAX) => bytes as u32,
            Some(_) => return Err(Problem::new(at, "a row has 64 to 8192 bytes")),
        };
        let rate = match self.opt(arg.rate.as_ref())? {
            None => None,
            Some(Number(rate @ 1..)) => Some(rate as u32),
            Some(_) => return Err(Problem::new(at, "`rate` is at least 1")),
        };
        let database = Database {
            engine: self.opt(arg.engine.as_ref())?.unwrap_or_default(),
            bulk: count(self, arg.bulk.as_ref(), LOADS_MAX, usual.bulk)?,
            queries: count(self, arg.queries.as_ref(), LOADS_MAX, usual.queries)?,
            row_bytes,
            updates_percent: count(self, arg.updates.as_ref(), 100, usual.updates_percent)?,
            rate,
            bytes_max: self.opt(arg.data.as_ref())?.map(|Amount(bytes)| bytes),
        };
        if !(1..=LOADS_MAX).contains(&(i32::from(database.bulk) + i32::from(database.queries))) {
            let message = format!("`bulk` and `queries` are 1 to {LOADS_MAX} together");
            return Err(Problem::new(at, message));
        }
        // The one that ran before is opened again as it was set up then.
        let again = database == usual;
        match self.databases.get(&volume) {
            Some(first) if again => Ok(What::StartDatabase { volume, database: first.clone() }),
            Some(first) if *first != database => {
                let message = "a database that ran before is opened as it was: leave out all but \
                               the volume";
                Err(Problem::new(at, message))
            }
            _ => {
                self.databases.insert(volume.clone(), database.clone());
                Ok(What::StartDatabase { volume, database })
            }
        }
    }

    fn wait_for(&mut self, at: At, arg: &AwaitArg) -> Result<What, Problem> {
        let volume = self.handle(at, arg.volume.as_ref())?;
        let until = self.opt(arg.until.as_ref())?;
        let until = until.ok_or_else(|| Problem::new(at, "`await` needs `until`"))?;
        let within = self.opt(arg.within.as_ref())?.map_or(AWAIT_MS, |Millis(ms)| ms);
        Ok(What::Await { volume, until, within_ms: within })
    }

    fn snapshot(&mut self, at: At, arg: &SnapshotArg) -> Result<What, Problem> {
        if let Some(word) = &arg.literal {
            return Err(Problem::new(word.at, "`literal` is for raw calls only"));
        }
        let of = self.handle(at, arg.of.as_ref())?;
        let name = arg.r#as.as_ref();
        let name = name.ok_or_else(|| Problem::new(at, "`snapshot` needs a handle: `as`"))?;
        let Handle(handle) = name.get(self.choice.axes)?;
        if self.snapshots.contains_key(&handle) || self.program.volume(&handle).is_some() {
            return Err(Problem::new(name.at, format!("the handle `{handle}` is taken")));
        }
        let bytes = self.sizes.get(&of).copied().unwrap_or_default();
        self.snapshots.insert(handle.clone(), (of.clone(), bytes));
        Ok(What::Snapshot { of, handle })
    }

    /// `restore` and `clone`.
    fn copy(&mut self, at: At, verb: &str, arg: &CopyArg) -> Result<What, Problem> {
        let missing = |key: &str| Problem::new(at, format!("`{verb}` needs `{key}`"));
        let name = arg.r#as.as_ref().ok_or_else(|| missing("as"))?;
        let (of, from, bytes, source) = if verb == "restore" {
            let word = arg.from.as_ref().ok_or_else(|| missing("from"))?;
            let Handle(handle) = word.get(self.choice.axes)?;
            let known = self.snapshots.keys().map(String::as_str);
            let found = self.snapshots.get(&handle).cloned();
            let (of, bytes) =
                found.ok_or_else(|| Problem::unknown(word.at, "snapshot", &handle, known))?;
            (of, handle.clone(), bytes, Source::Snapshot(Ref::Handle(handle)))
        } else {
            let of = self.handle(at, arg.from.as_ref())?;
            let bytes = self.sizes.get(&of).copied().unwrap_or_default();
            (of.clone(), of.clone(), bytes, Source::Volume(Ref::Handle(of)))
        };
        let range = self.range(&of, arg.size.as_ref(), arg.limit.as_ref())?;
        let range = range.unwrap_or(CapacityRange { required: bytes, limit: 0 });
        let volume = self.add_copy(name, &of, source, range.required)?;
        Ok(What::Create { volume, range, source: Some(from) })
    }

    fn publication(&self, at: At, arg: &PublishArg) -> Result<(String, u8, bool), Problem> {
        let volume = self.handle(at, arg.volume.as_ref())?;
        let target = match &arg.target {
            None => 0,
            Some(word) => {
                let Number(n) = word.get(self.choice.axes)?;
                u8::try_from(n).map_err(|_| Problem::new(word.at, "a target is 0 to 255"))?
            }
        };
        let readonly = self.opt(arg.readonly.as_ref())?.is_some_and(|Flag(readonly)| readonly);
        Ok((volume, target, readonly))
    }

    /// Capacity range of a step, if it gives a bound.
    pub(super) fn range(
        &mut self,
        volume: &str,
        to: Option<&Word<Size>>,
        limit: Option<&Word<Size>>,
    ) -> Result<Option<CapacityRange>, Problem> {
        let base = self.program.volume(volume).map_or(0, |volume| volume.bytes);
        let required = to.map(|word| self.bytes(word, base)).transpose()?;
        let limit = limit.map(|word| self.bytes(word, base)).transpose()?;
        Ok((required.is_some() || limit.is_some())
            .then(|| CapacityRange { required: required.unwrap_or(0), limit: limit.unwrap_or(0) }))
    }

    /// The way to a size in growths of equal size; the limit is the last one's.
    fn stairs(
        &self,
        volume: &str,
        range: CapacityRange,
        times: Option<&Word<Number>>,
    ) -> Result<Vec<CapacityRange>, Problem> {
        let Some(word) = times else { return Ok(vec![range]) };
        let Number(n) = word.get(self.choice.axes)?;
        let times = i64::from(n);
        let from = self.sizes.get(volume).copied().unwrap_or_default();
        let way = range.required.saturating_sub(from);
        if !(2..=GROWTHS_MAX).contains(&times) || way <= 0 {
            let message = format!("`times` is 2 to {GROWTHS_MAX}, up to a larger size");
            return Err(Problem::new(word.at, message));
        }
        let step = |n: i64| {
            let bytes = from.saturating_add(way / times * n);
            let bytes = self.choice.rules.legal(bytes.cast_unsigned()).cast_signed();
            CapacityRange { required: bytes.min(range.required), limit: 0 }
        };
        Ok((1..times).map(step).chain([range]).collect())
    }

    /// Remembers the size for copies that do not say theirs.
    pub(super) fn note_growth(&mut self, volume: &str, range: CapacityRange) {
        if let Some(bytes) = self.sizes.get_mut(volume) {
            *bytes = (*bytes).max(range.required);
        }
    }

    fn handle(&self, at: At, word: Option<&Word<Handle>>) -> Result<String, Problem> {
        self.volume(at, word).map(|volume| volume.handle.clone())
    }

    pub(super) fn opt<T: Lexeme>(&self, word: Option<&Word<T>>) -> Result<Option<T>, Problem> {
        word.map(|word| word.get(self.choice.axes)).transpose()
    }
}
