//! Objects as `kubectl get` shows them, and beside the columns what `kubectl describe` has.

use crate::generator::orchestrator::{
    component::Notice,
    names::Name,
    objects::{Claim, Modes, Pod, PodPhase, Volume},
    quantity::show,
    store::Store,
    world::World,
};

/// One line, and what goes with it.
pub struct Line {
    pub name: String,
    pub row: String,
    pub notes: Vec<String>,
}

impl Line {
    /// In one line.
    pub fn text(&self) -> String {
        let notes = self.notes.join(", ");
        let row: Vec<&str> = self.row.split_whitespace().collect();
        if notes.is_empty() { row.join(" ") } else { format!("{} ({notes})", row.join(" ")) }
    }
}

/// NAME STATUS VOLUME CAPACITY ACCESS-MODES STORAGECLASS
pub fn claim(store: &Store, claim: &Claim, gone: bool) -> Line {
    let text = |name| store.names.text(name).to_owned();
    let status = match (gone, claim.meta.deleting) {
        (true, _) => "deleted",
        (_, Some(_)) => "Terminating",
        _ => claim.phase.text(),
    };
    let capacity = if claim.capacity > 0 { show(claim.capacity) } else { String::new() };
    let columns = [text(claim.meta.name), status.to_owned(), text(claim.volume), capacity];
    let class = text(claim.class);
    let mut notes = Vec::new();
    if claim.request != claim.capacity {
        notes.push(format!("requests {}", show(claim.request)));
    }
    if let Some(allocated) = claim.allocated.filter(|bytes| *bytes != claim.capacity) {
        notes.push(format!("allocated {}", show(allocated)));
    }
    notes.extend(claim.resize.map(|resize| resize.text().to_owned()));
    for condition in claim.conditions.iter() {
        let message = store.names.text(condition.message);
        let kind = condition.kind.text();
        notes.push(if message.is_empty() { kind.to_owned() } else { format!("{kind}: {message}") });
    }
    let row = row(&columns, &[modes(claim.modes), class]);
    Line { name: text(claim.meta.name), row, notes }
}

/// NAME CAPACITY ACCESS-MODES RECLAIM-POLICY STATUS CLAIM STORAGECLASS
pub fn volume(store: &Store, volume: &Volume, gone: bool) -> Line {
    let text = |name| store.names.text(name).to_owned();
    let status = if gone { "deleted" } else { volume.phase.text() };
    let claim = volume
        .claim
        .map_or_else(String::new, |held| format!("{}/{}", text(held.namespace), text(held.name)));
    let columns = [text(volume.meta.name), show(volume.capacity), modes(volume.modes)];
    let rest = [volume.reclaim.text().to_owned(), status.to_owned(), claim, text(volume.class)];
    let before = volume.meta.annotations.get(Name::PRE_RESIZE_CAPACITY);
    let notes = before.map(|bytes| format!("pre-resize-capacity {}", text(bytes)));
    Line {
        name: text(volume.meta.name),
        row: row(&columns, &rest),
        notes: notes.into_iter().collect(),
    }
}

/// NAME READY STATUS
pub fn pod(store: &Store, pod: &Pod, gone: bool) -> Line {
    let text = |name| store.names.text(name).to_owned();
    let status = match (gone, pod.meta.deleting, pod.phase) {
        (true, ..) => "deleted",
        (_, Some(_), _) => "Terminating",
        (.., PodPhase::Pending) if !pod.node.is_none() => "ContainerCreating",
        (.., phase) => phase.text(),
    };
    let ready = if pod.phase == PodPhase::Running && !gone { "1/1" } else { "0/1" };
    let name = text(pod.meta.name);
    Line { row: row(&[name.clone(), ready.to_owned()], &[status.to_owned()]), name, notes: vec![] }
}

/// TYPE REASON OBJECT MESSAGE
pub fn notice(world: &World, notice: &Notice) -> Line {
    let store = &world.store;
    let claim = store.get(notice.claim).map(|claim| store.names.text(claim.meta.name));
    let name = claim.unwrap_or_default().to_owned();
    let kind = if notice.warning { "Warning" } else { "Normal" };
    let message = store.names.text(notice.message);
    let row = format!("{kind}  {}  persistentvolumeclaim/{name}  {message}", notice.reason);
    Line { name, row, notes: Vec::new() }
}

fn modes(modes: Modes) -> String {
    let short =
        [(Modes::RWO, "RWO"), (Modes::ROX, "ROX"), (Modes::RWX, "RWX"), (Modes::RWOP, "RWOP")];
    let held: Vec<&str> =
        short.into_iter().filter(|(mode, _)| modes.has(*mode)).map(|(_, text)| text).collect();
    held.join(",")
}

fn row(first: &[String], rest: &[String]) -> String {
    let all: Vec<&str> = first.iter().chain(rest).map(String::as_str).collect();
    all.join("   ").trim_end().to_owned()
}
