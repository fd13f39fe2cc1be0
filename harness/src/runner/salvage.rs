//! After a killed run: finds in its history what it made on a driver that it did not start, and
//! undoes it through that driver. Deletes nothing that the history does not say this run made.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use csi_stretch_oracle::{
    action::{Action, Call},
    history::{Code, Completion, EventKind, Failure, Record, Side},
};

use super::{
    bindings::Bindings,
    cleanup, journal, record,
    registry::{Owner, Swept, WayBack},
    session::{Opening, own_roots},
};
use crate::{
    client::{Client, Dialect, channel, secrets::Secrets},
    target::{meet, secrets},
};

/// Undoes the unfinished scenarios of a killed run.
pub async fn volumes(owner: &Owner, way_back: &WayBack, connect_timeout: Duration) -> Swept {
    let mut swept = Swept::default();
    match reach(owner, way_back, connect_timeout).await {
        Ok((client, mut open)) => {
            for bindings in open.values_mut() {
                undo(client.as_ref(), bindings, DEADLINE, &mut swept).await;
            }
        }
        Err(error) => swept.left.push(format!("volumes on {}: {error}", way_back.endpoint)),
    }
    swept
}

/// Longest wait for an answer: undoing may take a driver a while.
const DEADLINE: Duration = Duration::from_secs(60);

async fn reach(
    owner: &Owner,
    way_back: &WayBack,
    timeout: Duration,
) -> Result<(Arc<dyn Client>, BTreeMap<u32, Bindings>), Box<dyn std::error::Error>> {
    let records = journal::read(&owner.history)?;
    let options = way_back.transport.load()?;
    let node = channel::connect(&way_back.endpoint, &options, timeout).await?;
    let controller = match &way_back.controller_endpoint {
        Some(endpoint) => channel::connect(endpoint, &options, timeout).await?,
        None => node.clone(),
    };
    let secrets = match &way_back.secrets {
        Some(path) => secrets::load(path)?,
        None => Secrets::default(),
    };
    let secrets = secrets.hiding(options.bearer.as_deref());
    let speak =
        |dialect: Dialect| dialect.client(controller.clone(), node.clone(), secrets.clone());
    let (client, declared) = meet(speak, way_back.dialect, timeout).await?;
    let mut open = unfinished(&records, owner, way_back, &declared.node_id);
    open.retain(|_, bindings| !bindings.made.is_empty());
    Ok((client, open))
}

/// What each unfinished scenario had made when the run was killed.
fn unfinished(
    records: &[Record],
    owner: &Owner,
    way_back: &WayBack,
    node_id: &str,
) -> BTreeMap<u32, Bindings> {
    let mut open: BTreeMap<u32, Bindings> = BTreeMap::new();
    let mut lengths = BTreeMap::new();
    let mut asked: BTreeMap<(u32, u32), Call> = BTreeMap::new();
    for record in records {
        match record {
            Record::Scenario(instance) => _ = lengths.insert(instance.number, instance.path_bytes),
            Record::Event { scenario, side: Side::Subject, event } => {
                let bindings = open.entry(*scenario).or_insert_with(|| {
                    let prefix = Opening::name_prefix(&owner.run_id, *scenario);
                    let roots = (way_back.staging.clone(), way_back.targets.clone());
                    let length = lengths.get(scenario).copied().flatten();
                    let (staging, targets) = own_roots(roots, *scenario, length);
                    Bindings::new(node_id, &prefix, &staging, &targets)
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
                            bindings.learn(&call, &known(completion));
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

/// Of an id that was not recorded whole nothing is known; it is asked for again.
fn known(completion: &Completion) -> Completion {
    let ids = completion.reply().into_iter().flat_map(|reply| {
        let volume = reply.volume.as_ref().map(|volume| &volume.id);
        volume.into_iter().chain(reply.snapshot.as_ref().map(|snapshot| &snapshot.id))
    });
    if ids.map(String::as_str).any(record::is_partial) {
        let message = "its id is not in the history".to_owned();
        return Completion::Info(Failure { code: Code::Unbound, message });
    }
    completion.clone()
}

async fn undo(client: &dyn Client, bindings: &mut Bindings, deadline: Duration, swept: &mut Swept) {
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
            // Deleted by an earlier attempt, of which the history knows nothing.
            (Completion::Fail(failure), _) if failure.code == Code::NotFound => {}
            (_, Some(leak)) => swept.left.push(format!("{line}: {}", leak.why)),
            _ => {}
        }
    }
}
