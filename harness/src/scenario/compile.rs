//! From a file to a [`Program`]: matrix values put in, words given their meaning, handles checked.
//! Runs once for each combination when a file is loaded (with sizes of no particular target), so
//! that every mistake shows at once, and again when a plan is made.

mod call;
mod objects;
mod parallel;
mod verb;
mod volume;

use std::collections::BTreeMap;

use csi_stretch_oracle::action::Database;

use super::{
    error::{At, Problem},
    file::{ExpectFile, File, StepEntry, StepFile},
    lexeme::Handle,
    program::{Command, Program, Volume, Wanted},
    size::{Rules, Size, Sizes},
    word::{Axes, Word},
};

/// Everything that a file leaves open.
pub(crate) struct Choice<'a> {
    /// Matrix values.
    pub axes: &'a Axes,
    /// Use of volumes that do not say: `ext4` …, `block`, or empty.
    pub kind: &'a str,
    pub sizes: Sizes,
    pub rules: Rules,
    /// Parameters of creation that every volume gets.
    pub parameters: &'a BTreeMap<String, String>,
}

/// Gives a file its meaning.
pub(crate) fn compile(file: &File, choice: &Choice<'_>) -> Result<Program, Problem> {
    let mut compiler = Compiler {
        choice,
        program: Program::default(),
        named: file.volumes.is_some(),
        sizes: BTreeMap::new(),
        databases: BTreeMap::new(),
        snapshots: BTreeMap::new(),
    };
    compiler.volumes(file)?;
    compiler.program.path_bytes = compiler.opt(file.path_bytes.as_ref())?.map(|bytes| bytes.0);
    let orchestrator = file.orchestrator.as_ref();
    compiler.program.orchestrator =
        orchestrator.map(|words| words.get(choice.axes, file.about.at)).transpose()?;
    for (index, entry) in file.steps.iter().enumerate() {
        let number = u16::try_from(index + 1)
            .map_err(|_| Problem::new(entry.at, "a scenario has at most 65535 steps"))?;
        let command = compiler.command(number, entry)?;
        compiler.program.commands.push(command);
    }
    Ok(compiler.program)
}

/// Sizes from here on, bytes, are sent to be refused: no scenario grows a volume to a tebibyte.
const REFUSED: i64 = 1 << 40;

struct Compiler<'a> {
    choice: &'a Choice<'a>,
    program: Program,
    /// The file has a map of volumes, so that steps must say which.
    named: bool,
    /// What each volume was last grown to, bytes; the default size of copies.
    sizes: BTreeMap<String, i64>,
    /// The first database of each volume.
    databases: BTreeMap<String, Database>,
    /// Snapshots: of which volume, and its size then.
    snapshots: BTreeMap<String, (String, i64)>,
}

impl Compiler<'_> {
    fn command(&mut self, number: u16, entry: &StepEntry) -> Result<Command, Problem> {
        let StepEntry { at, step } = entry;
        let verb = one_verb(*at, step)?;
        let (verb, what) = match verb {
            "call" => self.call(*at, step)?,
            "again" => self.again(*at, step)?,
            "parallel" => self.parallel(*at, step)?,
            verb if objects::VERBS.contains(&verb) => {
                only_of_raw_calls(*at, verb, step)?;
                (verb.to_owned(), self.object_verb(*at, verb, step)?)
            }
            verb => {
                self.not_the_orchestrators(*at, verb)?;
                only_of_raw_calls(*at, verb, step)?;
                (verb.to_owned(), self.verb(*at, verb, step)?)
            }
        };
        if let Some(word) = &step.times {
            return Err(Problem::new(word.at, "`times` is for the calls of a `parallel` step"));
        }
        let expect = self.expect(step.expect.as_ref())?;
        let clause = self.opt(step.clause.as_ref())?.map(|clause| clause.0);
        Ok(Command { number, verb, what, expect, clause, at: *at })
    }

    fn expect(&self, expect: Option<&ExpectFile>) -> Result<Wanted, Problem> {
        let Some(ExpectFile { pass, warn }) = expect else { return Ok(Wanted::Default) };
        let mut lists = [Vec::new(), Vec::new()];
        let words = [Some(pass), warn.as_ref()];
        for (list, words) in lists.iter_mut().zip(words) {
            for word in words.iter().flat_map(|words| &words.0) {
                match word.get(self.choice.axes)?.codes() {
                    Some(codes) => list.extend(codes),
                    None => return Ok(Wanted::Any),
                }
            }
        }
        let [pass, warn] = lists;
        Ok(Wanted::Codes { pass, warn })
    }

    /// The volume that a step means.
    fn volume(&self, at: At, word: Option<&Word<Handle>>) -> Result<&Volume, Problem> {
        let known = || self.program.volumes.iter().map(|volume| volume.handle.as_str());
        if let Some(word) = word {
            let Handle(handle) = word.get(self.choice.axes)?;
            let found = self.program.volume(&handle);
            return found.ok_or_else(|| Problem::unknown(word.at, "volume", &handle, known()));
        }
        match self.program.volumes.first() {
            Some(first) if !self.named || self.program.volumes.len() == 1 => Ok(first),
            Some(_) => {
                let names: Vec<&str> = known().collect();
                let message = format!("which volume? name one of: {}", names.join(", "));
                Err(Problem::new(at, message))
            }
            None => Err(Problem::new(at, "this step needs a volume: the file has no `volume`")),
        }
    }

    /// Bytes of a size word, for a volume of that base size.
    fn bytes(&mut self, word: &Word<Size>, base: i64) -> Result<i64, Problem> {
        let size = word.get(self.choice.axes)?;
        let base = u64::try_from(base).unwrap_or(0);
        let bytes = size.bytes(base, self.choice.rules);
        self.program.needs_maximum |= size.needs_maximum();
        if !size.needs_maximum() && bytes < REFUSED {
            let legal = self.choice.rules.legal(u64::try_from(bytes).unwrap_or(0));
            let legal = i64::try_from(legal).unwrap_or(i64::MAX);
            self.program.largest = self.program.largest.max(legal);
        }
        Ok(bytes)
    }
}

/// Exactly one key of a step says what to do.
fn one_verb(at: At, step: &StepFile) -> Result<&'static str, Problem> {
    match step.verbs()[..] {
        [verb] => Ok(verb),
        [] => Err(Problem::new(at, "this step does nothing: give it a verb, `call` or `again`")),
        [first, second, ..] => {
            let message = format!("`{first}` and `{second}` are two steps: put each in its own");
            Err(Problem::new(at, message))
        }
    }
}

/// A key of raw calls beside a verb would be ignored, so it is refused.
fn only_of_raw_calls(at: At, verb: &str, step: &StepFile) -> Result<(), Problem> {
    let mut fields = step.call_fields().keys();
    fields.retain(|key| *key != verb);
    if step.omit.is_some() {
        fields.push("omit");
    }
    if step.with.is_some() {
        fields.push("with");
    }
    if step.without.is_some() {
        fields.push("without");
    }
    match fields.first() {
        None => Ok(()),
        Some(key) => {
            let message = format!(
                "`{key}` does not stand beside `{verb}`: write `{verb}: {{{key}: …}}` or use `call`"
            );
            Err(Problem::new(at, message))
        }
    }
}
