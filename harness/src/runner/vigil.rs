//! Watches over a driver that this run owns. Its end is told once, by the scenario that notices
//! it first; all others are cut short or passed over, and say where to look.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use csi_stretch_oracle::history::{Because, Stopped};

use crate::target::Launched;

/// A process is gone a little later than its connections.
const PATIENCE: Duration = Duration::from_millis(50);

/// The watch over one driver.
#[derive(Debug)]
pub struct Vigil {
    launched: Arc<Launched>,
    ended: OnceLock<Ending>,
}

/// How and where a driver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The scenario that noticed it first.
    pub scenario: String,
    /// Exit status and last words.
    pub how: String,
}

impl Vigil {
    /// Nothing has happened yet.
    pub fn new(launched: Arc<Launched>) -> Self {
        Self { launched, ended: OnceLock::new() }
    }

    /// Whether the driver has ended by itself; `scenario` asks.
    pub fn look(&self, scenario: &str) -> Option<&Ending> {
        if self.ended.get().is_none()
            && let Some(how) = self.launched.ended()
        {
            let _ = self.ended.set(Ending { scenario: scenario.to_owned(), how });
        }
        self.ended.get()
    }

    /// As [`Vigil::look`], after a connection broke: gives a dying process a moment.
    pub async fn look_again(&self, scenario: &str) -> Option<&Ending> {
        let deadline = Instant::now() + PATIENCE;
        while self.look(scenario).is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.ended.get()
    }

    /// What is known already, without a new look.
    pub fn known(&self) -> Option<&Ending> {
        self.ended.get()
    }
}

impl Ending {
    /// Why `scenario` goes no further.
    pub fn stops(&self, scenario: &str) -> Stopped {
        let why = if self.scenario == scenario {
            "the driver's process ended".to_owned()
        } else {
            format!("the driver's process had ended (see {})", self.scenario)
        };
        Stopped { because: Because::DriverEnded, why }
    }
}
