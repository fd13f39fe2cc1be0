//! Calls that are under way together.

use csi_stretch_oracle::history::Code;

use super::{Compiler, one_verb};
use crate::scenario::{
    error::{At, Problem},
    file::{StepEntry, StepFile},
    lexeme::Number,
    program::{Parallel, Wanted, What},
};

/// Most calls of one step.
const CALLS_MAX: usize = 64;

impl Compiler<'_> {
    /// `parallel:` with its calls.
    pub(super) fn parallel(&mut self, at: At, step: &StepFile) -> Result<(String, What), Problem> {
        if step.expect.is_some() || step.clause.is_some() {
            return Err(Problem::new(at, "put `expect` and `clause` beside each call"));
        }
        let entries = step.parallel.iter().flatten();
        let calls = entries.map(|entry| self.one_of_many(entry)).collect::<Result<Vec<_>, _>>()?;
        match calls.iter().map(|call| usize::from(call.times)).sum() {
            2..=CALLS_MAX => Ok(("parallel".to_owned(), What::Parallel { calls })),
            n => {
                let message = format!("a `parallel` step has 2 to {CALLS_MAX} calls, here: {n}");
                Err(Problem::new(at, message))
            }
        }
    }

    fn one_of_many(&mut self, entry: &StepEntry) -> Result<Parallel, Problem> {
        let StepEntry { at, step } = entry;
        let (_, what) = match one_verb(*at, step)? {
            "call" => self.call(*at, step)?,
            "again" => self.again(*at, step)?,
            verb => {
                let message = format!("only `call` and `again` can be parallel, not `{verb}`");
                return Err(Problem::new(*at, message));
            }
        };
        let times = match &step.times {
            None => 1,
            Some(word) => {
                let Number(n) = word.get(self.choice.axes)?;
                let times = u8::try_from(n).ok().filter(|n| (1..=CALLS_MAX).contains(&(*n).into()));
                times.ok_or_else(|| Problem::new(word.at, format!("write 1 to {CALLS_MAX}")))?
            }
        };
        let expect = match self.expect(step.expect.as_ref())? {
            Wanted::Default => one_at_a_time(),
            said => said,
        };
        let clause = self.opt(step.clause.as_ref())?.map(|clause| clause.0);
        Ok(Parallel { what, times, expect, clause })
    }
}

/// A plugin may serve one call for a volume at a time, and should say so with ABORTED. Other signs
/// of contention are worth a remark.
fn one_at_a_time() -> Wanted {
    Wanted::Codes {
        pass: vec![Code::Ok, Code::Aborted],
        warn: vec![Code::Unavailable, Code::Internal, Code::DeadlineExceeded],
    }
}
