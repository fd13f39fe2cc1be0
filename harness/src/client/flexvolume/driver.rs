//! One driver: where it is, what `init` said, and which operations it does not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    answer::{self, Answer, Capabilities, Trouble},
    exec::{self, ExecError},
    operation::Operation,
    options::Options,
};

/// A driver that is ready for calls.
#[derive(Debug)]
pub struct Driver {
    program: PathBuf,
    /// Added to the environment of each call.
    env: BTreeMap<String, String>,
    deadline: Duration,
    capabilities: Capabilities,
    /// Once said, never asked again, as the orchestrator does.
    unsupported: Mutex<BTreeSet<Operation>>,
}

impl Driver {
    /// Calls `init`; each call may take `deadline`, and has `env` in its environment.
    pub async fn init(
        program: &Path,
        env: BTreeMap<String, String>,
        deadline: Duration,
    ) -> Result<Self, Trouble> {
        // A name without a slash is a file here, and no command of the shell's path.
        let program = std::path::absolute(program)
            .map_err(|source: io::Error| ExecError::System { path: program.into(), source })?;
        let mut driver = Self {
            program,
            env,
            deadline,
            capabilities: Capabilities::default(),
            unsupported: Mutex::default(),
        };
        let answer = driver.call(Operation::Init, &[]).await?;
        driver.capabilities = answer.capabilities.unwrap_or_default();
        Ok(driver)
    }

    /// What `init` said.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// One call.
    pub async fn call(&self, operation: Operation, args: &[&str]) -> Result<Answer, Trouble> {
        if self.unsupported().contains(&operation) {
            return Err(Trouble::NotSupported);
        }
        let words: Vec<&str> = [operation.name()].iter().chain(args).copied().collect();
        let result =
            answer::read(&exec::run(&self.program, &self.env, &words, self.deadline).await?);
        if matches!(result, Err(Trouble::NotSupported)) {
            self.unsupported().insert(operation);
        }
        result
    }

    /// One call of an operation that a driver need not have: `None` if it has not.
    pub async fn call_if_any(
        &self,
        operation: Operation,
        args: &[&str],
    ) -> Result<Option<Answer>, Trouble> {
        match self.call(operation, args).await {
            Err(Trouble::NotSupported) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Whether volumes can grow all the way. Nothing in the protocol says so, so the driver is
    /// asked to grow a volume without a name to no size: one that can will refuse.
    pub async fn grows(&self) -> bool {
        let json = Options::default().json();
        let device = self.has(Operation::ExpandVolume, &[&json, "", "0", "0"]).await;
        if !device || !self.capabilities.requires_fs_resize {
            return device;
        }
        self.has(Operation::ExpandFs, &[&json, "", "", "0", "0"]).await
    }

    async fn has(&self, operation: Operation, args: &[&str]) -> bool {
        matches!(self.call(operation, args).await, Ok(_) | Err(Trouble::Failure { .. }))
    }

    fn unsupported(&self) -> std::sync::MutexGuard<'_, BTreeSet<Operation>> {
        self.unsupported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
