//! After a killed run: finds in its history what it made on a driver that it did not start, and
//! undoes it through that driver. Deletes nothing that the history does not say this run made.

use std::{collections::BTreeMap, path::Path, time::Duration};

use csi_stretch_oracle::{
    action::{Action, Call},
    history::{Completion, EventKind, Record, Side},
};

use super::{bindings::Bindings, cleanup, journal, registry::Swept};
use crate::client::{Client as _, channel, csi_v1::CsiV1, secrets::Secrets};

/// Undoes the unfinished scenarios of a killed run.
pub async fn volumes(
    endpoint: &str,
    history: &Path,
    run_dir: &Path,
    connect_timeout: Duration,
) -> Swept {
    let mut swept = Swept::default();
    let records = match journal::read(history) {
        Ok(records) => records,
        Err(error) => {
            swept.left.push(format!("volumes on {endpoint}: {error}"));
            return swept;
        }
    };
    let mut open = unfinished(&records, run_dir);
    open.retain(|_, bindings| !bindings.made.is_empty());
    if open.is_empty() {
        return swept;
    }
    let client = match channel::connect(endpoint, connect_timeout).await {
        Ok(channel) => CsiV1::new(channel, Secrets::default()),
        Err(error) => {
            swept.left.push(format!("volumes on {endpoint}: {error}"));
            return swept;
        }
    };
    for bindings in open.values_mut() {
        undo(&client, bindings, connect_timeout, &mut swept).await;
    }
    swept
}

/// What each unfinished scenario had made when the run was killed.
fn unfinished(records: &[Record], run_dir: &Path) -> BTreeMap<u32, Bindings> {
    let mut open: BTreeMap<u32, Bindings> = BTreeMap::new();
    let mut asked: BTreeMap<(u32, u32), Call> = BTreeMap::new();
    for record in records {
        match record {
            Record::Event { scenario, side: Side::Subject, event } => {
                let number = scenario.to_string();
                let bindings = open.entry(*scenario).or_insert_with(|| {
                    let dir = run_dir.join("subject");
                    Bindings::new(
                        "",
                        "",
                        &dir.join("s").join(&number),
                        &dir.join("t").join(&number),
                    )
                });
                match &event.kind {
                    EventKind::Invoke(invoke) => {
                        if let Action::Call(call) = &invoke.action {
                            bindings.sending(call);
                            asked.insert((*scenario, event.op), (**call).clone());
                        }
                    }
                    EventKind::Complete(completion) => {
                        if let Some(call) = asked.remove(&(*scenario, event.op)) {
                            bindings.learn(&call, completion);
                        }
                    }
                }
            }
            Record::Ended { scenario, side: Side::Subject, .. } => drop(open.remove(scenario)),
            _ => {}
        }
    }
    open
}

async fn undo(client: &CsiV1, bindings: &mut Bindings, deadline: Duration, swept: &mut Swept) {
    while let Some(call) = cleanup::next(bindings) {
        let completion = match bindings.resolve(&call) {
            Ok(resolved) => client.call(&resolved, deadline).await,
            Err(failure) => Completion::Fail(failure),
        };
        bindings.learn(&call, &completion);
        let what = call.snapshot.as_ref().or(call.volume.as_ref()).map(ToString::to_string);
        let line = format!("{} of `{}`", call.rpc, what.unwrap_or_default());
        match (&completion, cleanup::leak(&call, &completion)) {
            (Completion::Ok(_), _) => swept.removed.push(line),
            (_, Some(leak)) => swept.left.push(format!("{line}: {}", leak.why)),
            _ => {}
        }
    }
}
