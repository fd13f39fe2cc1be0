//! Actions and completions in words, for people. Every format of the report shows the same
//! sentence, so it is made here, once. Must not judge: no word of praise or blame.

use crate::{
    action::{Access, Action, Call, Close, Fault, Guise, Load, Place, Rpc, Source, Until},
    history::{Completion, LoadReport, Observation, Outcome, Recovered, Reply},
};

mod size;

pub use size::{bytes, bytes_u64};

/// What is asked: `ControllerExpandVolume vol to 128 MiB (limit 256 MiB)`.
pub fn action(action: &Action) -> String {
    match action {
        Action::Call(call) => self::call(call),
        Action::Probe(probe) => format!("measure {} at {}", probe.volume, probe.path),
        Action::Load(load) => self::load(load),
        Action::Fault(Fault::RestartDriver) => "kill the driver and start it again".to_owned(),
        Action::Wait(wait) => format!("wait {} ms", wait.ms),
    }
}

/// Kind of an action: `call`, `probe`, `load`, `fault`, `wait`.
pub fn kind(action: &Action) -> &'static str {
    match action {
        Action::Call(_) => "call",
        Action::Probe(_) => "probe",
        Action::Load(_) => "load",
        Action::Fault(_) => "fault",
        Action::Wait(_) => "wait",
    }
}

/// What came back, without the code: `134217728 bytes, node expansion required`. For an error the
/// message; empty if there is nothing to tell.
pub fn outcome(completion: &Completion) -> String {
    match completion {
        Completion::Ok(Outcome::Reply(reply)) => self::reply(reply),
        Completion::Ok(Outcome::Observation(seen)) => observation(seen),
        Completion::Ok(Outcome::Loaded(report)) => loaded(report),
        Completion::Ok(Outcome::Done) => String::new(),
        Completion::Fail(failure) | Completion::Info(failure) => failure.message.clone(),
    }
}

/// What came back, with the code: `OK 134217728 bytes, node expansion required`.
pub fn completion(completion: &Completion) -> String {
    let (code, rest) = (completion.code(), outcome(completion));
    match (completion, rest.is_empty()) {
        (_, true) => code.to_string(),
        (Completion::Ok(_), false) => format!("{code} {rest}"),
        (_, false) => format!("{code}: {rest}"),
    }
}

fn call(call: &Call) -> String {
    let mut parts = vec![call.rpc.full_name().to_owned()];
    match (&call.volume, &call.snapshot) {
        (Some(volume), Some(snapshot)) => parts.push(format!("{volume} as {snapshot}")),
        (Some(id), None) | (None, Some(id)) => parts.push(id.to_string()),
        (None, None) => parts.extend(call.name.as_ref().map(|name| format!("{name:?}"))),
    }
    match &call.source {
        Some(Source::Snapshot(id)) => parts.push(format!("from snapshot {id}")),
        Some(Source::Volume(id)) => parts.push(format!("from volume {id}")),
        None => (),
    }
    parts.extend(range(call));
    let path = call.path.as_ref().or(call.staging_path.as_ref());
    parts.extend(path.map(|path| format!("at {path}")));
    parts.extend(access(call));
    let readonly = if call.readonly { ", read-only" } else { "" };
    let deadline = call.deadline_ms.map(|ms| format!(", deadline {ms} ms")).unwrap_or_default();
    parts.join(" ") + readonly + &deadline
}

fn range(call: &Call) -> Option<String> {
    let to = if call.rpc == Rpc::CreateVolume { "of" } else { "to" };
    let range = call.capacity_range?;
    Some(match (range.required, range.limit) {
        (0, 0) => format!("{to} an empty range"),
        (required, 0) => format!("{to} {}", bytes(required)),
        (0, limit) => format!("{to} at most {}", bytes(limit)),
        (required, limit) => format!("{to} {} (limit {})", bytes(required), bytes(limit)),
    })
}

fn access(call: &Call) -> Option<String> {
    Some(match &call.capability.as_ref()?.access {
        Access::Block => "as block".to_owned(),
        Access::Mount { fs, .. } if fs.is_empty() => "as mount".to_owned(),
        Access::Mount { fs, .. } => format!("as {fs}"),
    })
}

fn load(load: &Load) -> String {
    match load {
        Load::Write { volume, path, bytes, place, like } => {
            let place = if *place == Place::End { " at the end" } else { "" };
            let like = match like {
                None => "",
                Some(Guise::Zeros) => " that begin blank",
                Some(Guise::Gpt) => " that begin like a partition table",
                Some(Guise::Ext4) => " that begin like an ext4",
                Some(Guise::Xfs) => " that begin like an XFS",
            };
            format!("write {}{like}{place} to {volume} at {path}", bytes_u64(*bytes))
        }
        Load::Verify { volume, path } => format!("verify the data of {volume} at {path}"),
        Load::Start { volume, path } => format!("start a writer on {volume} at {path}"),
        Load::Stop { volume } => format!("stop the writer on {volume}"),
        Load::Open { volume, path, database } => {
            format!("start a {} database on {volume} at {path}", database.engine)
        }
        Load::Await { volume, until, .. } => match until {
            Until::Full => format!("wait until {volume} is full"),
            Until::Used(percent) => format!("wait until {percent} % of {volume} are used"),
            Until::Written(bytes) => {
                format!("wait until {} more are written to {volume}", bytes_u64(*bytes))
            }
        },
        Load::Close { volume, how: Close::Stop } => format!("stop the database on {volume}"),
        Load::Close { volume, how: Close::Kill } => format!("kill the database on {volume}"),
    }
}

fn reply(reply: &Reply) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(volume) = &reply.volume {
        parts.push(format!("volume {:?} of {} bytes", volume.id, volume.capacity_bytes));
    }
    if let Some(bytes) = reply.capacity_bytes {
        parts.push(format!("{bytes} bytes"));
    }
    if let Some(required) = reply.node_expansion_required {
        parts.push(format!("node expansion {}required", if required { "" } else { "not " }));
    }
    for usage in &reply.usage {
        parts.push(format!("{} of {} {} used", usage.used, usage.total, usage.unit));
    }
    if let Some(confirmed) = reply.confirmed {
        parts.push(if confirmed { "confirmed" } else { "not confirmed" }.to_owned());
    }
    if let Some(snapshot) = &reply.snapshot {
        let ready = if snapshot.ready_to_use { "ready" } else { "not ready" };
        parts.push(format!("snapshot {:?} of {} bytes, {ready}", snapshot.id, snapshot.size_bytes));
    }
    parts.extend(listing(reply));
    parts.join(", ")
}

fn listing(reply: &Reply) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(entries) = &reply.entries {
        parts.push(format!("{} entries", entries.len()));
    }
    if reply.next_token.as_ref().is_some_and(|token| !token.is_empty()) {
        parts.push("more to come".to_owned());
    }
    let capacities = [
        (reply.available_capacity, "available"),
        (reply.maximum_volume_size, "maximum"),
        (reply.minimum_volume_size, "minimum"),
    ];
    for (value, name) in capacities {
        parts.extend(value.map(|value| format!("{name} {}", bytes(value))));
    }
    parts.extend(reply.text.clone().filter(|text| !text.is_empty()));
    parts.extend(reply.vendor_version.as_ref().map(|version| format!("version {version}")));
    parts.extend(reply.capabilities.as_ref().map(|names| match names.as_slice() {
        [] => "no capabilities".to_owned(),
        names => names.join(", "),
    }));
    parts.extend(reply.ready.map(|ready| if ready { "ready" } else { "not ready" }.to_owned()));
    parts
}

fn observation(seen: &Observation) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(seen.device_bytes.map(|size| format!("device {}", bytes_u64(size))));
    parts.extend(seen.fs.as_ref().map(|fs| format!("{} {}", fs.kind, bytes_u64(fs.bytes))));
    parts.extend(seen.statfs.as_ref().map(|fs| format!("statfs {}", bytes_u64(fs.total_bytes))));
    if seen.read_only {
        parts.push("read-only".to_owned());
    }
    if seen.shared {
        parts.push("no mount of its own".to_owned());
    }
    parts.extend(seen.notes.iter().cloned());
    if parts.is_empty() {
        parts.push("nothing measured".to_owned());
    }
    parts.join(", ")
}

fn loaded(report: &LoadReport) -> String {
    let mut parts = Vec::new();
    if report.bytes_written > 0 {
        parts.push(format!("{} written", bytes_u64(report.bytes_written)));
    }
    if report.bytes_verified > 0 {
        parts.push(format!("{} verified", bytes_u64(report.bytes_verified)));
    }
    if report.mismatches_total > 0 {
        let kind = if report.engine.is_some() { "rows" } else { "blocks" };
        parts.push(format!("{} damaged {kind}", report.mismatches_total));
    }
    parts.extend(report.recovered.as_deref().map(recovered));
    if let Some(first) = report.errors.first() {
        parts.push(format!(
            "{} errors, first {}: {}",
            report.errors.len(),
            first.code,
            first.message
        ));
    }
    if parts.is_empty() {
        parts.push("nothing written or read".to_owned());
    }
    parts.extend(report.engine.iter().map(|engine| format!("by {engine}")));
    parts.join(", ")
}

/// What opening a database again took: `recovered: 812 records of its log, 40 pages`.
pub fn recovered(recovered: &Recovered) -> String {
    let Recovered { clean, records, pages, restored, broken } = recovered;
    if *clean {
        return "nothing to recover".to_owned();
    }
    let counts = [
        (*records, "records of its log"),
        (*pages, "pages brought up to date"),
        (*restored, "torn pages made whole"),
        (broken.len() as u64, "pages beyond repair"),
    ];
    let told = counts.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    let first = broken.first().map(|first| format!(", the first: {first}")).unwrap_or_default();
    match told.as_slice() {
        [] => "recovered".to_owned(),
        told => format!("recovered: {}{first}", told.join(", ")),
    }
}

#[cfg(test)]
mod tests;
