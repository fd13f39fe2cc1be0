//! Raw calls: `call` and `again`.

use csi_stretch_oracle::action::{AccessMode, Capability, PathRef, Ref, Rpc, Source};

use super::{Compiler, volume::access_of};
use crate::scenario::{
    error::{At, Problem, unknown},
    file::{CallFields, CapabilityFile, Names, RefArg, SnapshotArg, SourceFile, StepFile},
    lexeme::{AccessWord, Flag, Handle, Kind, Millis, Number, name},
    program::{Change, Field, Omit, What},
    walk::names_a_volume,
    word::{Args, Word},
};

impl Compiler<'_> {
    /// `call: <rpc>` with its fields.
    pub(super) fn call(&mut self, at: At, step: &StepFile) -> Result<(String, What), Problem> {
        let word = step.call.as_ref().ok_or_else(|| Problem::new(at, "which call?"))?;
        let rpc = word.get(self.choice.axes)?;
        if step.with.is_some() || step.without.is_some() {
            let message =
                "`with` and `without` go with `again`; beside `call` give the field itself";
            return Err(Problem::new(word.at, message));
        }
        let given = step.volume.as_ref().and_then(|Args(arg)| arg.handle.as_ref());
        let volume = match (given, self.program.volumes.len()) {
            (None, 0) => None,
            (None, 2..) if !names_a_volume(rpc) && rpc != Rpc::CreateVolume => None,
            (word, _) => Some(self.volume(at, word)?.handle.clone()),
        };
        let set = self.fields(&step.call_fields(), volume.as_deref())?;
        let omit = self.omit(step.omit.as_ref())?;
        let ranged = |field: &Field| matches!(field, Field::To(_) | Field::Limit(_));
        if rpc == Rpc::ControllerExpand && !set.iter().any(ranged) && !omit.contains(&Omit::Range) {
            let message = "how large? give `to` or `limit`, or `omit: range`";
            return Err(Problem::new(word.at, message));
        }
        let verb = format!("call {}", name(rpc));
        Ok((verb, What::Call { rpc, volume, set, omit }))
    }

    /// `again: <rpc>` with at most one change.
    pub(super) fn again(&mut self, at: At, step: &StepFile) -> Result<(String, What), Problem> {
        let word = step.again.as_ref().ok_or_else(|| Problem::new(at, "which call?"))?;
        let rpc = word.get(self.choice.axes)?;
        let mut beside = step.call_fields().keys();
        beside.extend(step.omit.as_ref().map(|_| "omit"));
        if let Some(key) = beside.first() {
            let message = format!("`{key}` does not stand beside `again`: use `with` or `without`");
            return Err(Problem::new(word.at, message));
        }
        let change = match (&step.with, &step.without) {
            (None, None) => None,
            (Some(fields), None) => Some(Change::With(self.one_field(word, fields)?)),
            (None, Some(name)) => Some(Change::Without(self.omitted(name)?)),
            (Some(_), Some(without)) => return Err(one_change(without.at, "with and without")),
        };
        Ok((format!("again {}", name(rpc)), What::Again { rpc, change }))
    }

    fn one_field(&mut self, word: &Word<Rpc>, fields: &CallFields) -> Result<Field, Problem> {
        let keys = fields.keys();
        if keys.len() != 1 {
            return Err(one_change(word.at, &keys.join(", ")));
        }
        let volume = self.program.volumes.first().map(|volume| volume.handle.clone());
        let field = self.fields(fields, volume.as_deref())?.pop();
        field.ok_or_else(|| one_change(word.at, "nothing"))
    }

    /// Names of fields that are not sent.
    pub(super) fn omit(&self, names: Option<&Names>) -> Result<Vec<Omit>, Problem> {
        names.into_iter().flat_map(|names| &names.0).map(|name| self.omitted(name)).collect()
    }

    fn omitted(&self, word: &Word<crate::scenario::lexeme::Text>) -> Result<Omit, Problem> {
        let text = word.get(self.choice.axes)?.0;
        let found = Omit::ALL.iter().find(|(name, _)| *name == text);
        let known = Omit::ALL.iter().map(|(name, _)| *name);
        found
            .map(|(_, omit)| *omit)
            .ok_or_else(|| Problem::new(word.at, unknown("field", &text, known)))
    }

    /// The fields that a file sets, sizes relative to that volume.
    fn fields(&mut self, file: &CallFields, volume: Option<&str>) -> Result<Vec<Field>, Problem> {
        let base = volume.and_then(|handle| self.program.volume(handle)).map_or(0, |v| v.bytes);
        let mut set = Vec::new();
        if let Some(Args(arg)) = &file.volume {
            set.push(Field::Volume(self.id(arg)?));
        }
        if let Some(Args(arg)) = &file.snapshot {
            set.push(Field::Snapshot(self.snapshot_id(arg)?));
        }
        if let Some(Args(arg)) = &file.node {
            set.push(Field::Node(self.id(arg)?));
        }
        if let Some(word) = &file.to {
            set.push(Field::To(self.bytes(word, base)?));
        }
        if let Some(word) = &file.limit {
            set.push(Field::Limit(self.bytes(word, base)?));
        }
        if let Some(capability) = &file.capability {
            set.push(Field::Capability(self.capability(capability)?));
        }
        if let Some(source) = &file.source {
            set.push(Field::Source(self.source(source)?));
        }
        set.extend(self.opt(file.name.as_ref())?.map(|t| Field::Name(t.0)));
        set.extend(self.known_path(file.path.as_ref())?.map(Field::Path));
        let staging = self.opt(file.staging_path.as_ref())?;
        set.extend(staging.map(Field::StagingPath));
        let readonly = self.opt(file.readonly.as_ref())?;
        set.extend(readonly.map(|Flag(readonly)| Field::Readonly(readonly)));
        let entries = self.opt(file.max_entries.as_ref())?;
        set.extend(entries.map(|Number(n)| Field::MaxEntries(n)));
        let token = self.opt(file.starting_token.as_ref())?;
        set.extend(token.map(|token| Field::StartingToken(token.0)));
        let deadline = self.opt(file.deadline.as_ref())?;
        set.extend(deadline.map(|Millis(ms)| Field::Deadline(ms)));
        self.maps(file, &mut set)?;
        Ok(set)
    }

    /// A path, of a volume that the file has.
    fn known_path(&self, word: Option<&Word<PathRef>>) -> Result<Option<PathRef>, Problem> {
        let path = self.opt(word)?;
        if let (Some(PathRef::Of(handle)), Some(word)) = (&path, word)
            && self.program.volume(handle).is_none()
        {
            let known = self.program.volumes.iter().map(|volume| volume.handle.as_str());
            return Err(Problem::unknown(word.at, "volume", handle, known));
        }
        Ok(path)
    }

    fn maps(&self, file: &CallFields, set: &mut Vec<Field>) -> Result<(), Problem> {
        if file.parameters.is_some() {
            set.push(Field::Parameters(self.map(file.parameters.as_ref())?));
        }
        if file.mutable_parameters.is_some() {
            set.push(Field::MutableParameters(self.map(file.mutable_parameters.as_ref())?));
        }
        if file.volume_context.is_some() {
            set.push(Field::VolumeContext(self.map(file.volume_context.as_ref())?));
        }
        if file.publish_context.is_some() {
            set.push(Field::PublishContext(self.map(file.publish_context.as_ref())?));
        }
        Ok(())
    }

    fn id(&self, arg: &RefArg) -> Result<Ref, Problem> {
        match (&arg.handle, &arg.literal) {
            (_, Some(literal)) => Ok(Ref::Literal { literal: literal.get(self.choice.axes)?.0 }),
            (Some(word), None) => {
                let Handle(handle) = word.get(self.choice.axes)?;
                let volumes = self.program.volumes.iter().map(|volume| volume.handle.as_str());
                let known: Vec<&str> = volumes.chain(["node"]).collect();
                if known.contains(&handle.as_str()) {
                    return Ok(Ref::Handle(handle));
                }
                Err(Problem::unknown(word.at, "handle", &handle, known))
            }
            (None, None) => Err(Problem::new(At::default(), "an id is a handle or `literal`")),
        }
    }

    /// Snapshots may be made by a raw call, so that their handles need not be known.
    fn snapshot_id(&self, arg: &SnapshotArg) -> Result<Ref, Problem> {
        match (&arg.r#as, &arg.literal) {
            (_, Some(literal)) => Ok(Ref::Literal { literal: literal.get(self.choice.axes)?.0 }),
            (Some(word), None) => Ok(Ref::Handle(word.get(self.choice.axes)?.0)),
            (None, None) => Err(Problem::new(At::default(), "an id is a handle or `literal`")),
        }
    }

    fn capability(&self, file: &CapabilityFile) -> Result<Capability, Problem> {
        let axes = self.choice.axes;
        let fs = self.opt(file.fs.as_ref())?;
        let access = self.opt(file.access.as_ref())?;
        let kind = match (fs, access) {
            (_, Some(AccessWord::Block)) => "block".to_owned(),
            (Some(Kind(kind)), _) => kind,
            (None, _) => String::new(),
        };
        let mut capability = Capability {
            access: access_of(&kind),
            mode: file
                .mode
                .as_ref()
                .map(|w| w.get(axes))
                .transpose()?
                .unwrap_or(AccessMode::default()),
        };
        if let csi_stretch_oracle::action::Access::Mount { flags, .. } = &mut capability.access {
            for word in &file.flags {
                flags.push(word.get(axes)?.0);
            }
        }
        Ok(capability)
    }

    fn source(&self, file: &SourceFile) -> Result<Source, Problem> {
        match (&file.snapshot, &file.volume) {
            (Some(Args(arg)), None) => {
                let handle = arg.handle.as_ref();
                match handle.filter(|word| self.snapshots.contains_key(&word.text)) {
                    Some(word) => Ok(Source::Snapshot(Ref::Handle(word.text.clone()))),
                    None => Ok(Source::Snapshot(self.id(arg)?)),
                }
            }
            (None, Some(Args(arg))) => Ok(Source::Volume(self.id(arg)?)),
            _ => Err(Problem::new(At::default(), "a source is one `snapshot` or one `volume`")),
        }
    }
}

fn one_change(at: At, changes: &str) -> Problem {
    Problem::new(at, format!("`again` changes exactly one thing, here: {changes}"))
}
