//! What a workload did while its volume grew, laid out over time: readings, what each source said
//! of the size, calls, and what else happened. Facts only; `impact` makes numbers of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    action::{Action, Ref, Rpc, Source},
    check::seen::{Seen, range},
    evidence::{Evidence, Op},
    history::{Completion, LoadReport, Outcome, Reading},
    model,
    report::{Band, Growth, Integrity, Series, SizeLine, SizeSource},
};

mod marks;
mod thin;

/// One series for each volume that was read.
pub fn series(
    evidence: &Evidence<'_>,
    readings: &BTreeMap<String, Vec<Reading>>,
    growths: &[Growth],
) -> Vec<Series> {
    let read = readings.iter().filter(|(_, readings)| !readings.is_empty());
    read.map(|(volume, readings)| one(evidence, volume, readings, growths)).collect()
}

fn one(evidence: &Evidence<'_>, volume: &str, readings: &[Reading], growths: &[Growth]) -> Series {
    let ops: Vec<&Op<'_>> = evidence.subject.iter().filter(|op| !op.is_teardown()).collect();
    let own: Vec<&Op<'_>> = ops.iter().copied().filter(|op| op.volume() == Some(volume)).collect();
    let growths = || growths.iter().filter(|growth| growth.volume == volume);
    let from_us = readings.iter().map(Reading::from_us);
    let from_us = from_us.chain(growths().map(|one| one.from_us)).min().unwrap_or(0);
    let to_us = readings.iter().map(|reading| reading.at_us);
    let to_us = to_us.chain(growths().map(|one| one.to_us)).chain(looked(&own)).max().unwrap_or(0);
    let instance = evidence.instance;
    Series {
        scenario: instance.id.clone(),
        volume: volume.to_owned(),
        access: growths().map(|one| one.access.clone()).next().unwrap_or_default(),
        scale: instance.scale.clone(),
        slo: instance.slo,
        from_us,
        to_us,
        readings_total: u32::try_from(readings.len()).unwrap_or(u32::MAX),
        readings: thin::thin(readings),
        sizes: sizes(evidence, volume, readings),
        bands: bands(&own, from_us, to_us),
        marks: marks::marks(readings, &ops, &own, (from_us, to_us)),
        integrity: integrity(&own),
        copies: copies(&ops, volume),
    }
}

/// When the volume was measured.
fn looked<'a>(own: &'a [&Op<'_>]) -> impl Iterator<Item = u64> + 'a {
    let probes = own.iter().filter(|op| matches!(op.invoke.action, Action::Probe(_)));
    probes.filter_map(|op| op.completed).map(|event| event.at_us)
}

/// What each source said of the volume's size, changes only.
pub fn sizes(evidence: &Evidence<'_>, volume: &str, readings: &[Reading]) -> Vec<SizeLine> {
    let mut said: Vec<(u64, SizeSource, u64)> = Vec::new();
    model::walk(evidence.subject, |model, op| {
        if let Some((_, seen)) = Seen::of(model, op).filter(|(handle, _)| *handle == volume) {
            let at_us = op.completed.unwrap_or(op.event).at_us;
            let fs = seen.fs.map(|fs| fs.bytes);
            said.extend(measured(at_us, seen.device, fs, seen.statfs.filter(|_| !seen.shared)));
        }
        if op.volume() == Some(volume) && !op.is_teardown() {
            said.extend(asked(op));
            said.extend(replied(op));
        }
    });
    for one in readings {
        said.extend(measured(one.at_us, one.device_bytes, one.fs_bytes, one.statfs_total));
    }
    said.sort_by_key(|(at_us, ..)| *at_us);
    let mut lines: BTreeMap<SizeSource, Vec<(u64, u64)>> = BTreeMap::new();
    for (at_us, source, bytes) in said {
        let line = lines.entry(source).or_default();
        if line.last().is_none_or(|(_, last)| *last != bytes) {
            line.push((at_us, bytes));
        }
    }
    lines.into_iter().map(|(source, steps)| SizeLine { source, steps }).collect()
}

fn measured(
    at_us: u64,
    device: Option<u64>,
    fs: Option<u64>,
    statfs: Option<u64>,
) -> impl Iterator<Item = (u64, SizeSource, u64)> {
    let all = [(SizeSource::Device, device), (SizeSource::Fs, fs), (SizeSource::Statfs, statfs)];
    all.into_iter().filter_map(move |(source, bytes)| Some((at_us, source, bytes?)))
}

fn asked(op: &Op<'_>) -> Option<(u64, SizeSource, u64)> {
    let sizes = [Rpc::CreateVolume, Rpc::ControllerExpand, Rpc::NodeExpand];
    op.call().filter(|call| sizes.contains(&call.rpc))?;
    let (required, _) = range(op)?;
    let bytes = u64::try_from(required).ok().filter(|bytes| *bytes > 0)?;
    Some((op.event.at_us, SizeSource::Requested, bytes))
}

fn replied(op: &Op<'_>) -> Option<(u64, SizeSource, u64)> {
    let reply = op.reply()?;
    let (source, bytes) = match op.call()?.rpc {
        Rpc::CreateVolume => (SizeSource::Controller, reply.volume.as_ref()?.capacity_bytes),
        Rpc::ControllerExpand => (SizeSource::Controller, reply.capacity_bytes?),
        Rpc::NodeExpand => (SizeSource::Node, reply.capacity_bytes?),
        _ => return None,
    };
    // 0 says that the size is unknown.
    let bytes = u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)?;
    Some((op.completed?.at_us, source, bytes))
}

/// Calls that only ask would hide those that change something.
fn bands(own: &[&Op<'_>], from_us: u64, to_us: u64) -> Vec<Band> {
    let calls = own.iter().filter_map(|op| Some((op, op.call()?.rpc)));
    let calls = calls.filter(|(op, rpc)| {
        let at_us = op.event.at_us;
        !rpc.only_asks() && at_us >= from_us && at_us <= to_us
    });
    let band = |(op, rpc): (&&Op<'_>, Rpc)| Band {
        call: rpc.full_name().to_owned(),
        from_us: op.event.at_us,
        to_us: op.completed.map_or(to_us, |event| event.at_us),
        code: op.code().map_or_else(|| "UNFINISHED".to_owned(), |code| code.to_string()),
    };
    calls.map(band).collect()
}

fn integrity(own: &[&Op<'_>]) -> Option<Integrity> {
    let mut all: Option<Integrity> = None;
    for report in own.iter().filter_map(|op| loaded(op)) {
        let known = all.get_or_insert_default();
        if report.rows.is_some() {
            // Pages, of which a database tells the size as it goes, are no measure of its rows.
            known.acknowledged_bytes = report.bytes_in_ledger;
        } else if known.rows.is_none() {
            known.acknowledged_bytes = known.acknowledged_bytes.max(report.bytes_in_ledger);
        }
        if report.bytes_verified > 0 || report.mismatches_total > 0 {
            known.verifications += 1;
            known.verified_bytes = report.bytes_verified;
        }
        known.rows = report.rows.as_deref().copied().or(known.rows);
        // What a load met in passing is a part of what a comparison finds.
        if report.mismatches_total > known.lost {
            known.lost = report.mismatches_total;
            known.first = report.mismatches.first().cloned();
        }
    }
    all.filter(|known| known.verifications > 0)
}

/// What became of the rows in volumes that were made of this one; those have no readings of their own.
fn copies(ops: &[&Op<'_>], volume: &str) -> Vec<(String, Integrity)> {
    let mut snapshots: BTreeSet<&str> = BTreeSet::new();
    let mut made: Vec<&str> = Vec::new();
    for call in ops.iter().filter_map(|op| op.call()) {
        let own = call.volume.as_ref().and_then(Ref::handle);
        match (call.rpc, &call.source) {
            (Rpc::CreateSnapshot, _) if own == Some(volume) => {
                snapshots.extend(call.snapshot.as_ref().and_then(Ref::handle));
            }
            (Rpc::CreateVolume, Some(source)) => {
                let is_of = match source {
                    Source::Volume(of) => of.handle() == Some(volume),
                    Source::Snapshot(of) => of.handle().is_some_and(|of| snapshots.contains(of)),
                };
                made.extend(own.filter(|own| is_of && !made.contains(own)));
            }
            _ => {}
        }
    }
    let compared = |copy: &str| {
        let own = ops.iter().copied().filter(|op| op.volume() == Some(copy));
        let integrity = integrity(&own.collect::<Vec<_>>())?;
        integrity.rows.is_some().then(|| (copy.to_owned(), integrity))
    };
    made.into_iter().filter_map(compared).collect()
}

fn loaded<'a>(op: &Op<'a>) -> Option<&'a LoadReport> {
    match op.completion()? {
        Completion::Ok(Outcome::Loaded(report)) => Some(report),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
