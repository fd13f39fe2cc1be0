//! The volumes of a scenario.

use std::collections::BTreeMap;

use csi_stretch_oracle::action::{Access, AccessMode, Source};

use super::Compiler;
use crate::scenario::{
    error::{At, Problem},
    file::{File, VolumeFile},
    lexeme::{AccessWord, Flag, Handle, Kind, Text},
    program::Volume,
    word::{Axes, Lexeme, Word},
};

impl Compiler<'_> {
    pub(super) fn volumes(&mut self, file: &File) -> Result<(), Problem> {
        if let (Some(_), Some(several)) = (&file.volume, &file.volumes) {
            let at = several.0.first().map(|(name, _)| name.at).unwrap_or_default();
            return Err(Problem::new(at, "`volume` and `volumes` exclude each other"));
        }
        if let Some(volume) = &file.volume {
            let handle = Word::new("vol", At::default());
            self.declare(&handle, volume)?;
        }
        for (handle, volume) in file.volumes.iter().flat_map(|volumes| &volumes.0) {
            self.declare(handle, volume)?;
        }
        Ok(())
    }

    fn declare(&mut self, handle: &Word<Handle>, file: &VolumeFile) -> Result<(), Problem> {
        let axes = self.choice.axes;
        let Handle(name) = handle.get(axes)?;
        let fs = self.axis_or("fs", file.fs.as_ref())?;
        let access = self.axis_or("access", file.access.as_ref())?;
        let kind = match (fs, access) {
            (Some(Kind(kind)), Some(AccessWord::Block)) if kind != "block" => {
                let at = file.fs.as_ref().map_or(handle.at, |word| word.at);
                let message = format!("a block volume has no file system, but `fs` is `{kind}`");
                return Err(Problem::new(at, message));
            }
            (Some(Kind(kind)), _) => kind,
            (None, Some(AccessWord::Block)) => "block".to_owned(),
            (None, _) => self.choice.kind.to_owned(),
        };
        let base = self.choice.rules.legal(self.choice.sizes.base(&kind));
        let base = i64::try_from(base).unwrap_or(i64::MAX);
        self.program.largest = self.program.largest.max(base);
        let bytes = match self.axis_word("size", file.size.as_ref()) {
            Some(word) => self.bytes(&word, base)?,
            None => base,
        };
        let mode = self.axis_or::<AccessMode>("mode", file.mode.as_ref())?.unwrap_or_default();
        let set_up = file.create.as_ref().map(|word| word.get(axes)).transpose()?;
        let mut parameters = self.choice.parameters.clone();
        parameters.extend(self.map(file.parameters.as_ref())?);
        self.add(
            handle.at,
            Volume {
                handle: name,
                access: access_of(&kind),
                kind,
                mode,
                bytes,
                parameters,
                source: None,
                set_up: set_up.is_none_or(|Flag(create)| create),
            },
        )
    }

    /// Adds a volume under a handle that is still free.
    fn add(&mut self, at: At, volume: Volume) -> Result<(), Problem> {
        let handle = volume.handle.clone();
        if handle == "node" {
            return Err(Problem::new(at, "the handle `node` means the target's own node"));
        }
        if self.program.volume(&handle).is_some() || self.snapshots.contains_key(&handle) {
            return Err(Problem::new(at, format!("the handle `{handle}` is taken")));
        }
        self.sizes.insert(handle, volume.bytes);
        self.program.volumes.push(volume);
        Ok(())
    }

    /// Adds a volume that is filled from another.
    pub(super) fn add_copy(
        &mut self,
        name: &Word<Handle>,
        of: &str,
        source: Source,
        bytes: i64,
    ) -> Result<String, Problem> {
        let Handle(handle) = name.get(self.choice.axes)?;
        let origin = self.program.volume(of).cloned();
        let origin = origin.ok_or_else(|| Problem::new(name.at, "its source is not known"))?;
        let source = Some(source);
        let copy = Volume { handle: handle.clone(), source, set_up: false, bytes, ..origin };
        self.add(name.at, copy)?;
        Ok(handle)
    }

    /// A key's word; left out, an axis of the same name stands in.
    fn axis_word<T>(&self, key: &str, word: Option<&Word<T>>) -> Option<Word<T>> {
        let Axes { values, places } = self.choice.axes;
        let place = places.get(key).copied().unwrap_or_default();
        let axis = || values.get(key).map(|value| Word::new(value, place));
        word.cloned().or_else(axis)
    }

    fn axis_or<T: Lexeme>(&self, key: &str, word: Option<&Word<T>>) -> Result<Option<T>, Problem> {
        self.axis_word(key, word).map(|word| word.get(self.choice.axes)).transpose()
    }

    pub(super) fn map(
        &self,
        map: Option<&BTreeMap<String, Word<Text>>>,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let pairs = map.into_iter().flatten();
        pairs.map(|(key, word)| Ok((key.clone(), word.get(self.choice.axes)?.0))).collect()
    }
}

/// What a kind of use is called in a request.
pub(super) fn access_of(kind: &str) -> Access {
    match kind {
        "block" => Access::Block,
        fs => Access::Mount { fs: fs.to_owned(), flags: Vec::new() },
    }
}
