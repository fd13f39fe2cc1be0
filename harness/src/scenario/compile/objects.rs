//! Verbs of a scenario that the orchestrator drives: what users do to its objects.

use super::Compiler;
use crate::scenario::{
    error::{At, Problem},
    file::{PodArg, RequestArg, StepFile, UntilArg},
    lexeme::{Flag, Millis, Number},
    program::{Goal, What},
    word::{Args, Word},
};

/// They mean something only where there are claims.
pub(super) const VERBS: [&str; 5] = ["start_pod", "delete_pod", "request", "until", "restart"];

/// What the orchestrator does by itself, and what a user does instead.
const ITS_OWN: [(&str, &str); 7] = [
    ("stage", "start_pod"),
    ("publish", "start_pod"),
    ("unpublish", "delete_pod"),
    ("restart_pod", "delete_pod"),
    ("grow", "request"),
    ("node_expand", "request"),
    ("delete", "delete_pod"),
];

/// Longest wait of an `until` that says none.
const WITHIN_MS: u64 = 3_600_000;

impl Compiler<'_> {
    pub(super) fn object_verb(
        &mut self,
        at: At,
        verb: &str,
        step: &StepFile,
    ) -> Result<What, Problem> {
        if self.program.orchestrator.is_none() {
            let message = format!(
                "`{verb}` is for scenarios that the orchestrator drives: say `orchestrator: {{}}`"
            );
            return Err(Problem::new(at, message));
        }
        if let Some(Args(arg)) = &step.start_pod {
            let (volume, target) = self.pod(at, arg)?;
            let readonly = self.opt(arg.readonly.as_ref())?.is_some_and(|Flag(readonly)| readonly);
            return Ok(What::StartPod { volume, target, readonly });
        }
        if let Some(Args(arg)) = &step.delete_pod {
            if let Some(word) = &arg.readonly {
                return Err(Problem::new(word.at, "`readonly` is for `start_pod`"));
            }
            let (volume, target) = self.pod(at, arg)?;
            return Ok(What::DeletePod { volume, target });
        }
        if let Some(Args(arg)) = &step.request {
            return self.request(at, arg);
        }
        if let Some(Args(arg)) = &step.until {
            return self.until(at, arg);
        }
        match &step.restart {
            Some(word) => Ok(What::Restart { part: word.get(self.choice.axes)? }),
            None => Err(Problem::new(at, format!("`{verb}` says nothing"))),
        }
    }

    /// Steps that would do the orchestrator's work beside it.
    pub(super) fn not_the_orchestrators(&self, at: At, verb: &str) -> Result<(), Problem> {
        let own = ITS_OWN.iter().find(|(own, _)| *own == verb);
        match own.filter(|_| self.program.orchestrator.is_some()) {
            Some((_, instead)) => {
                let message = format!("`{verb}` is what the orchestrator does: use `{instead}`");
                Err(Problem::new(at, message))
            }
            None => Ok(()),
        }
    }

    fn pod(&self, at: At, arg: &PodArg) -> Result<(String, u8), Problem> {
        let volume = self.volume(at, arg.volume.as_ref())?.handle.clone();
        Ok((volume, self.target(arg.target.as_ref())?))
    }

    fn target(&self, word: Option<&Word<Number>>) -> Result<u8, Problem> {
        let Some(word) = word else { return Ok(0) };
        let Number(n) = word.get(self.choice.axes)?;
        u8::try_from(n).map_err(|_| Problem::new(word.at, "a target is 0 to 255"))
    }

    fn request(&mut self, at: At, arg: &RequestArg) -> Result<What, Problem> {
        let volume = self.volume(at, arg.volume.as_ref())?.handle.clone();
        let range = self.range(&volume, arg.to.as_ref(), None)?;
        let range = range.ok_or_else(|| Problem::new(at, "`request` needs `to`"))?;
        if range.required <= 0 {
            return Err(Problem::new(at, "a claim asks for more than nothing"));
        }
        self.note_growth(&volume, range);
        Ok(What::Request { volume, bytes: range.required })
    }

    fn until(&mut self, at: At, arg: &UntilArg) -> Result<What, Problem> {
        let volume = self.volume(at, arg.volume.as_ref())?.handle.clone();
        let target = self.target(arg.target.as_ref())?;
        let state = self.opt(arg.state.as_ref())?;
        let answered = self.opt(arg.answered.as_ref())?;
        let goal = match (state, answered) {
            (Some(state), None) => Goal::State(state),
            (None, Some(rpc)) => Goal::Answered(rpc),
            _ => return Err(Problem::new(at, "`until` needs one of `state` and `answered`")),
        };
        let within = self.opt(arg.within.as_ref())?.map_or(WITHIN_MS, |Millis(ms)| ms);
        Ok(What::Until { volume, target, goal, within_ms: within })
    }
}
