//! What is under way: an action bound to this target, in the hands of its worker, until it lands.
//! Several may be under way at once. Must not know generators, nor what an answer means.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use csi_stretch_oracle::{
    action::{Call, Fault, Load},
    history::{Code, Completion, Failure, Outcome},
};
use tokio::task::{Id, JoinError, JoinSet};

use super::interpreter::Workers;
use crate::{generator::Step, workload::Workload as _};

/// An action with everything in it that its worker needs.
pub(super) enum Job {
    Call(Box<Call>),
    Probe(PathBuf),
    Load { load: Load, path: PathBuf, block: bool },
    Fault(Fault),
    Wait(Duration),
}

/// A step that has come back.
pub(super) struct Landed {
    pub op: u32,
    pub step: Step,
    pub completion: Completion,
}

/// All steps that are under way.
#[derive(Default)]
pub(super) struct Flights {
    tasks: JoinSet<Completion>,
    steps: HashMap<Id, (u32, Step)>,
}

impl Job {
    pub async fn run(self, workers: &Workers) -> Completion {
        match self {
            Self::Call(call) => {
                let deadline = call.deadline_ms.map_or(workers.deadline, Duration::from_millis);
                workers.client.call(&call, deadline).await
            }
            Self::Probe(path) => workers.host.observe(&path).await,
            Self::Load { load, path, block } => workers.workload.perform(&load, &path, block).await,
            Self::Fault(fault) => match &workers.nemesis {
                Some(nemesis) => nemesis.perform(&fault).await,
                None => harness_failure("this target cannot be restarted"),
            },
            Self::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Completion::Ok(Outcome::Done)
            }
        }
    }
}

impl Flights {
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Hands a job to its worker. `Err`: it has ended already.
    pub fn start(&mut self, op: u32, step: Step, job: Result<Job, Completion>, workers: &Workers) {
        let workers = workers.clone();
        let work = async move {
            match job {
                Ok(job) => job.run(&workers).await,
                Err(completion) => completion,
            }
        };
        let id = self.tasks.spawn(work).id();
        self.steps.insert(id, (op, step));
    }

    /// The next that lands; `None`: nothing is under way. Nothing is lost if this is cancelled.
    pub async fn next(&mut self) -> Option<Landed> {
        let joined = self.tasks.join_next_with_id().await?;
        self.landed(joined)
    }

    /// The next that lands, or after `patience` all the rest, given up.
    pub async fn next_within(&mut self, patience: Duration) -> Vec<Landed> {
        if let Ok(landed) = tokio::time::timeout(patience, self.next()).await {
            return landed.into_iter().collect();
        }
        self.tasks.abort_all();
        let mut rest: Vec<(u32, Step)> = self.steps.drain().map(|(_, flight)| flight).collect();
        rest.sort_by_key(|(op, _)| *op);
        let given_up = |(op, step)| {
            let message = "the run was interrupted before the answer came".to_owned();
            let failure = Failure { code: Code::Interrupted, message };
            Landed { op, step, completion: Completion::Info(failure) }
        };
        rest.into_iter().map(given_up).collect()
    }

    fn landed(&mut self, joined: Result<(Id, Completion), JoinError>) -> Option<Landed> {
        let (id, completion) = match joined {
            Ok((id, completion)) => (id, completion),
            Err(error) => (error.id(), harness_failure(&format!("a worker broke: {error}"))),
        };
        let (op, step) = self.steps.remove(&id)?;
        Some(Landed { op, step, completion })
    }
}

pub(super) fn harness_failure(message: &str) -> Completion {
    Completion::Fail(Failure { code: Code::Harness, message: message.to_owned() })
}
