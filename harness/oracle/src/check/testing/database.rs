//! A database on the volume of the moment.

use super::{H, MIB};
use crate::{
    action::{Action, Close, Database, Load},
    history::{Completion, LoadReport, Mismatch, Outcome, Recovered, Rows},
};

impl H {
    /// Opened: for the first time, or again after so many records of its log.
    pub fn open_database(self, recovered: Option<u64>) -> Self {
        self.opens_database().opened_database(recovered)
    }

    /// About to be opened.
    pub fn opens_database(self) -> Self {
        let (volume, path) = (self.volume.clone(), self.path.clone());
        self.invoke(Action::Load(Load::Open { volume, path, database: Database::default() }))
    }

    /// It is open.
    pub fn opened_database(self, recovered: Option<u64>) -> Self {
        let recovered = recovered.map(|records| Recovered { records, ..Recovered::default() });
        self.complete(Completion::Ok(match recovered {
            None => Outcome::Done,
            Some(recovered) => Outcome::Loaded(LoadReport {
                engine: Some("pages".into()),
                recovered: Some(recovered.into()),
                ..LoadReport::default()
            }),
        }))
    }

    /// Ended in this way, at once.
    pub fn close_database(self, how: Close) -> Self {
        let volume = self.volume.clone();
        let report = LoadReport { engine: Some("pages".into()), ..LoadReport::default() };
        self.invoke(Action::Load(Load::Close { volume, how }))
            .complete(Completion::Ok(Outcome::Loaded(report)))
    }

    /// All rows compared, of which so many are lost; with their pages if the engine knows them.
    pub fn verify_rows(self, acknowledged: u64, lost: u64, pages: bool) -> Self {
        self.verifying().compared(acknowledged, lost, pages)
    }

    /// What that found.
    pub fn compared(self, acknowledged: u64, lost: u64, pages: bool) -> Self {
        let row = |n: u64| Mismatch {
            offset: if pages { n * 16_384 + 64 } else { 0 },
            length: 0,
            page: pages.then_some(n),
            what: format!("row {n}, acknowledged in version 1: found zeros"),
        };
        let report = LoadReport {
            engine: Some("pages".into()),
            bytes_verified: (acknowledged - lost) * 1000,
            bytes_in_ledger: acknowledged * 1000,
            rows: Some(Rows { acknowledged, verified: acknowledged - lost, lost }.into()),
            mismatches: (0..lost.min(16)).map(row).collect(),
            mismatches_total: lost,
            ..LoadReport::default()
        };
        self.complete(Completion::Ok(Outcome::Loaded(report)))
    }

    /// About to compare.
    pub fn verifying(self) -> Self {
        let (volume, path) = (self.volume.clone(), self.path.clone());
        self.invoke(Action::Load(Load::Verify { volume, path }))
    }

    /// A file of a MiB compared as well as the rows; one block of it is lost.
    pub fn verify_block_beside_rows(self, acknowledged: u64) -> Self {
        let block = Mismatch { offset: 4096, length: 4096, page: None, what: "zeros".into() };
        let report = LoadReport {
            engine: Some("pages".into()),
            bytes_verified: acknowledged * 1000 + MIB as u64,
            bytes_in_ledger: acknowledged * 1000 + MIB as u64,
            rows: Some(Rows { acknowledged, verified: acknowledged, lost: 0 }.into()),
            mismatches: vec![block],
            mismatches_total: 1,
            ..LoadReport::default()
        };
        self.verifying().complete(Completion::Ok(Outcome::Loaded(report)))
    }
}
