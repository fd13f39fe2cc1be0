//! The way back: what a scenario made is undone from the last to the first, as the orchestrator
//! would do it. Only what this run made is ever deleted.

use csi_stretch_oracle::{
    action::{Call, PathRef, Ref, Rpc},
    history::{Code, Completion, Leak},
};

use super::bindings::{Bindings, Made, NODE};

/// The next call that undoes something. Each is handed out once, whatever comes of it.
pub fn next(bindings: &mut Bindings) -> Option<Call> {
    while let Some(made) = bindings.made.last_mut() {
        if made.deleted {
            bindings.made.pop();
            continue;
        }
        return Some(undo(made));
    }
    None
}

/// What is left behind when an undo did not succeed.
pub fn leak(call: &Call, completion: &Completion) -> Option<Leak> {
    let kind = match call.rpc {
        Rpc::DeleteVolume => "volume",
        Rpc::DeleteSnapshot => "snapshot",
        Rpc::NodeUnpublish | Rpc::NodeUnstage => "mount",
        Rpc::ControllerUnpublish => "attachment",
        // Asked again only to learn an id; if that fails there is nothing to delete.
        _ => return None,
    };
    let (Completion::Fail(failure) | Completion::Info(failure)) = completion else { return None };
    if failure.code == Code::Unbound {
        return None;
    }
    let what = call.snapshot.as_ref().or(call.volume.as_ref()).map(ToString::to_string);
    Some(Leak {
        kind: kind.to_owned(),
        what: what.unwrap_or_default(),
        why: format!("{} answered {}: {}", call.rpc, failure.code, failure.message),
    })
}

fn undo(made: &mut Made) -> Call {
    let volume = Some(Ref::Handle(made.handle.clone()));
    if made.id.is_none() {
        // The answer was lost: the same request again tells the id (creation is idempotent).
        // If it tells none, the next round deletes an unbound handle, which sends nothing.
        made.id = None;
        if made.request.deadline_ms != Some(LEARN_MS) {
            made.request.deadline_ms = Some(LEARN_MS);
            return made.request.clone();
        }
    }
    if let Some(target) = made.targets.pop_last() {
        return Call {
            volume,
            path: Some(PathRef::Target(target)),
            ..Call::new(Rpc::NodeUnpublish)
        };
    }
    if std::mem::take(&mut made.staged) {
        return Call {
            volume,
            staging_path: Some(PathRef::Staging),
            ..Call::new(Rpc::NodeUnstage)
        };
    }
    if std::mem::take(&mut made.attached) {
        return Call {
            volume,
            node: Some(Ref::Handle(NODE.into())),
            ..Call::new(Rpc::ControllerUnpublish)
        };
    }
    made.deleted = true;
    if made.is_snapshot {
        return Call { snapshot: volume, ..Call::new(Rpc::DeleteSnapshot) };
    }
    Call { volume, ..Call::new(Rpc::DeleteVolume) }
}

/// Wait for the answer that tells a lost id, in milliseconds.
const LEARN_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use csi_stretch_oracle::history::{Failure, Outcome, Reply, SnapshotInfo, VolumeInfo};

    use super::*;

    fn on(rpc: Rpc, handle: &str) -> Call {
        Call { volume: Some(Ref::Handle(handle.into())), ..Call::new(rpc) }
    }

    fn create(bindings: &mut Bindings, handle: &str) {
        let call = on(Rpc::CreateVolume, handle);
        bindings.sending(&call);
        let info = VolumeInfo {
            id: format!("id-{handle}"),
            capacity_bytes: 1,
            context: std::collections::BTreeMap::new(),
            content_source: None,
        };
        let reply = Reply { volume: Some(info), ..Reply::default() };
        bindings.learn(&call, &Completion::Ok(Outcome::Reply(Box::new(reply))));
    }

    fn snapshot(bindings: &mut Bindings, handle: &str, of: &str) {
        let snapshot = Some(Ref::Handle(handle.into()));
        let call = Call { snapshot, ..on(Rpc::CreateSnapshot, of) };
        bindings.sending(&call);
        let info = SnapshotInfo {
            id: format!("id-{handle}"),
            source_volume_id: format!("id-{of}"),
            size_bytes: 1,
            ready_to_use: true,
        };
        let reply = Reply { snapshot: Some(info), ..Reply::default() };
        bindings.learn(&call, &Completion::Ok(Outcome::Reply(Box::new(reply))));
    }

    fn order(bindings: &mut Bindings) -> Vec<String> {
        std::iter::from_fn(|| next(bindings))
            .take(50)
            .map(|call| {
                let on = call.snapshot.as_ref().or(call.volume.as_ref()).unwrap();
                format!("{:?} {on}", call.rpc)
            })
            .collect()
    }

    #[test]
    fn last_made_first_undone() {
        let mut bindings = Bindings::new("n", "run", Path::new("/s"), Path::new("/t"));
        create(&mut bindings, "a");
        snapshot(&mut bindings, "snap", "a");
        create(&mut bindings, "b");
        for rpc in [Rpc::ControllerPublish, Rpc::NodeStage, Rpc::NodePublish] {
            let path = Some(PathRef::Target(0));
            bindings.sending(&Call { path, ..on(rpc, "b") });
        }
        assert_eq!(
            order(&mut bindings),
            [
                "NodeUnpublish b",
                "NodeUnstage b",
                "ControllerUnpublish b",
                "DeleteVolume b",
                "DeleteSnapshot snap",
                "DeleteVolume a"
            ]
        );
    }

    #[test]
    fn a_lost_creation_is_asked_for_once_more() {
        let mut bindings = Bindings::new("n", "run", Path::new("/s"), Path::new("/t"));
        let call = on(Rpc::CreateVolume, "a");
        bindings.sending(&call);
        assert_eq!(order(&mut bindings), ["CreateVolume a", "DeleteVolume a"]);
    }

    #[test]
    fn a_refused_delete_is_a_leak() {
        let call = on(Rpc::DeleteVolume, "a");
        let failure = Failure { code: Code::Internal, message: "busy".into() };
        let leak = leak(&call, &Completion::Fail(failure)).unwrap();
        assert_eq!((leak.kind.as_str(), leak.what.as_str()), ("volume", "a"));
    }
}
