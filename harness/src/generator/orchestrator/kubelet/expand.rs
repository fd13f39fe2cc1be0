//! The node's half of an expansion: whether it is due, which size, and what each outcome means for
//! the claim and for the mount.

use super::{
    Kubelets,
    mount::Mounted,
    op::{Aim, Next, Op, Step},
};
use crate::generator::orchestrator::{
    component::Api,
    conditions::{Condition, ConditionKind, Conditions},
    names::Name,
    objects::{Claim, Modes, Resize, Volume},
    patch::ClaimPatch,
    profile::{Everywhere, NodeExpand},
    rpc::{Answer, Caps, Failure, Method, Place, Rpc},
    store::{Id, Write},
    time::{At, SECOND},
};

/// What is being done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion {
    claim: Id<Claim>,
    size: u64,
    /// The claim's steps are written down; the older way knows only the end.
    recover: bool,
    /// The claim has the size already: this is another node.
    already: bool,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Open,
    Grown,
    Infeasible,
    InUse,
    Failed,
}

/// Before the node is asked.
enum Due {
    /// There is nothing to do, or not yet.
    No { denied: bool },
    /// It is, at the size of `Expansion`.
    Yes(Expansion),
}

impl Kubelets {
    pub(super) fn expand(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        mut op: Op,
        mounting: bool,
    ) -> Next {
        let due = self.due(api, index, &op, mounting);
        match due {
            Due::No { denied } => {
                self.mounts[index as usize].denied = denied && !mounting;
                self.pass_on(api, index, op)
            }
            Due::Yes(expansion) => {
                op.expansion = Some(expansion);
                if expansion.already || !expansion.recover {
                    return self.marked(api, index, op);
                }
                let resize = |new: &mut Claim, _| new.resize = Some(Resize::NodeInProgress);
                if self.patch(api, index, expansion.claim, Name::NONE, resize) {
                    return op.wait(Step::Marking);
                }
                self.failed_op(index, &op)
            }
        }
    }

    fn due(&mut self, api: &mut Api<'_>, index: u32, op: &Op, mounting: bool) -> Due {
        let no = Due::No { denied: false };
        let mount = &self.mounts[index as usize];
        let Some(held) = op.pod().and_then(|pod| mount.pod(pod)).copied() else { return no };
        let Some(claim) = api.store().get(held.claim) else { return no };
        let Some(volume) = api.store().named::<Volume>(Name::NONE, mount.volume) else { return no };
        let profile = self.settings.profile;
        let behind = claim.capacity < volume.capacity;
        if mounting && !behind || mount.block && !profile.node_block {
            return no;
        }
        if held.read_only {
            let text = "requested volume is read-only, it is not expanded";
            api.notice(held.claim, true, "FileSystemResizeFailed", text);
            return no;
        }
        let recover = profile.recover && (claim.resize.is_some() || claim.allocated.is_some());
        let size = if recover { claim.allocated.unwrap_or(claim.request) } else { volume.capacity };
        let done = claim.capacity >= size && claim.resize.is_none();
        let open =
            Expansion { claim: held.claim, size, recover, already: done, outcome: Outcome::Open };
        if !recover {
            let everywhere = profile.everywhere != Everywhere::First;
            return if behind || everywhere && !mounting {
                Due::Yes(open)
            } else {
                self.silent(index, size)
            };
        }
        if done {
            let annotation = Name::NODE_EXPANSION_NOT_REQUIRED;
            let needed = claim.modes.has(Modes::RWX) && !claim.meta.annotations.has(annotation);
            let all = profile.everywhere == Everywhere::All;
            return if needed || all { Due::Yes(open) } else { self.silent(index, size) };
        }
        match claim.resize {
            Some(Resize::NodePending | Resize::NodeInProgress) => Due::Yes(open),
            _ => Due::No { denied: true },
        }
    }

    /// Another node, or nobody, had to do it.
    fn silent(&mut self, index: u32, size: u64) -> Due {
        self.mounts[index as usize].actual = Some(size);
        // What the driver gave beyond the request is asked for again and again, without a call.
        let mount = &self.mounts[index as usize];
        Due::No { denied: mount.desired > size }
    }

    /// Writes what has changed about the claim, if it is still there.
    fn patch(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        id: Id<Claim>,
        message: Name,
        change: impl FnOnce(&mut Claim, Condition),
    ) -> bool {
        let Some(claim) = api.store().get(id).cloned() else { return false };
        let since = At(api.now.0 - api.now.0 % SECOND);
        let error = Condition { kind: ConditionKind::NodeResizeError, message, since };
        let mut new = Claim::clone(&claim);
        change(&mut new, error);
        let patch = ClaimPatch::between(&claim, &new).at_version(claim.meta.version);
        api.write(self.task(index), Write::Claim(id, Box::new(patch)));
        true
    }

    pub(super) fn marked(&mut self, api: &mut Api<'_>, index: u32, op: Op) -> Next {
        self.call(api, index, Rpc::new(Method::NodeGetCapabilities, self.settings.timeout));
        op.wait(Step::Able)
    }

    pub(super) fn able(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        mut op: Op,
        answer: Answer,
    ) -> Next {
        let Some(expansion) = op.expansion else { return Next::Failed };
        let caps = match answer {
            Ok(reply) => reply.caps,
            Err(failure) => return self.ended(api, index, op, Outcome::Failed, Some(failure)),
        };
        if !caps.has(Caps::NODE_EXPAND) {
            if expansion.already || !expansion.recover {
                return self.ended(api, index, op, Outcome::Grown, None);
            }
            let message = api.name("volume expansion is not supported on this node");
            let failure = Failure { code: None, message };
            return self.ended(api, index, op, Outcome::Failed, Some(failure));
        }
        op.caps = caps;
        let profile = self.settings.profile;
        let mut rpc = self.rpc(index, Method::NodeExpandVolume, caps);
        rpc.bytes = expansion.size;
        let staged = matches!(op.aim, Aim::Mount(_)) && self.expands_staged(&op);
        rpc.path = if staged { Some(Place::Staging) } else { op.pod().map(Place::Target) };
        rpc.staging = profile.node_staging;
        rpc.secrets = profile.node_secrets;
        if !profile.node_staging {
            rpc.capability = None;
        }
        self.call(api, index, rpc);
        op.wait(Step::Expanding)
    }

    pub(super) fn expanded(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        op: Op,
        failure: Option<Failure>,
    ) -> Next {
        let Some(failure) = failure else {
            return self.ended(api, index, op, Outcome::Grown, None);
        };
        let Some(expansion) = op.expansion else { return Next::Failed };
        let passes = self.settings.profile.node_in_use_passes;
        let outcome = if failure.is_in_use() && passes {
            Outcome::InUse
        } else if failure.is_infeasible() && expansion.recover {
            Outcome::Infeasible
        } else {
            Outcome::Failed
        };
        self.ended(api, index, op, outcome, Some(failure))
    }

    fn ended(
        &mut self,
        api: &mut Api<'_>,
        index: u32,
        mut op: Op,
        mut outcome: Outcome,
        failure: Option<Failure>,
    ) -> Next {
        let Some(expansion) = &mut op.expansion else { return Next::Failed };
        let (id, size, recover) = (expansion.claim, expansion.size, expansion.recover);
        // A second error for good, of a size that nobody asks for any more, frees the claim.
        let request = api.store().get(id).map_or(0, |claim| claim.request);
        let mount = &mut self.mounts[index as usize];
        if outcome == Outcome::Failed && recover && mount.final_error && request != size {
            outcome = Outcome::Infeasible;
        }
        mount.final_error |= matches!(outcome, Outcome::Failed | Outcome::Infeasible);
        expansion.outcome = outcome;
        let already = expansion.already;
        let text = failure.map(|failure| failure.text(&api.store().names)).unwrap_or_default();
        if outcome == Outcome::Grown {
            mount.final_error = false;
            if already {
                return self.recorded(api, index, op);
            }
            api.notice(id, false, "FileSystemResizeSuccessful", "expanded on the node");
        } else {
            let text = format!("NodeExpandVolume failed with {text}");
            api.notice(id, true, "VolumeResizeFailed", &text);
        }
        // The older way writes down nothing but the end.
        let in_use_ends = !recover && outcome == Outcome::InUse;
        if already || !recover && outcome != Outcome::Grown && !in_use_ends {
            return self.recorded(api, index, op);
        }
        let message = api.name(&format!("failed to expand pvc with {text}"));
        let wrote = self.patch(api, index, id, message, |new, error| match outcome {
            Outcome::Grown => finished(new, size),
            Outcome::InUse if in_use_ends => finished(new, size),
            Outcome::Infeasible => {
                new.resize = Some(Resize::NodeInfeasible);
                new.conditions.set(error);
            }
            _ => new.conditions.set(error),
        });
        if wrote { op.wait(Step::Recording) } else { self.failed_op(index, &op) }
    }

    pub(super) fn recorded(&mut self, api: &mut Api<'_>, index: u32, op: Op) -> Next {
        let Some(expansion) = op.expansion else { return Next::Failed };
        let mounting = matches!(op.aim, Aim::Mount(_));
        let mount = &mut self.mounts[index as usize];
        match expansion.outcome {
            Outcome::Grown => {
                mount.actual = Some(expansion.size);
                self.pass_on(api, index, op)
            }
            Outcome::InUse => {
                mount.in_use = true;
                self.pass_on(api, index, op)
            }
            Outcome::Infeasible if !mounting => {
                mount.denied = true;
                Next::Done
            }
            _ => self.failed_op(index, &op),
        }
    }

    /// What came out could not be written down: the whole is tried again.
    pub(super) fn unrecorded(&mut self, index: u32, op: &Op) -> Next {
        self.failed_op(index, op)
    }

    fn failed_op(&mut self, index: u32, op: &Op) -> Next {
        if matches!(op.aim, Aim::Mount(_)) && !self.expands_staged(op) {
            self.set_pod(index, op, Mounted::Uncertain);
        }
        Next::Failed
    }

    /// The expansion has been dealt with: a mount goes on.
    fn pass_on(&mut self, api: &mut Api<'_>, index: u32, mut op: Op) -> Next {
        op.expansion = None;
        match op.aim {
            Aim::Mount(_) if self.expands_staged(&op) => self.publish(api, index, op),
            Aim::Mount(_) => self.mounted(index, &op),
            _ => Next::Done,
        }
    }

    /// The volume is expanded where it is staged, before a pod has it.
    pub(super) fn expands_staged(&self, op: &Op) -> bool {
        self.settings.profile.node_expand == NodeExpand::BeforePublish && op.staged
    }
}

fn finished(claim: &mut Claim, size: u64) {
    claim.capacity = size;
    claim.resize = None;
    claim.conditions = Conditions::default();
}
