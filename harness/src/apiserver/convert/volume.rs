//! Volumes.

use serde_json::{Value, json};

use super::{
    Reader, View, Writer, flag, is_block, mode_text, modes, modes_text, one_of, size, size_text,
    text, uid_of, uid_text,
};
use crate::{
    apiserver::refusal::Refusal,
    generator::orchestrator::objects::{ClaimRef, Csi, Reclaim, SecretRef, Volume, VolumePhase},
};

impl View for Volume {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let claim = object.claim.map(|claim| {
            json!({
                "kind": "PersistentVolumeClaim",
                "apiVersion": "v1",
                "namespace": writer.text(claim.namespace),
                "name": writer.text(claim.name),
                "uid": (claim.uid > 0).then(|| uid_text(claim.uid)),
            })
        });
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": writer.meta(&object.meta),
            "spec": {
                "capacity": { "storage": size_text(object.capacity) },
                "accessModes": modes_text(object.modes),
                "claimRef": claim,
                "persistentVolumeReclaimPolicy": object.reclaim.text(),
                "storageClassName": writer.text(object.class),
                "mountOptions": writer.texts(&object.mount_options),
                "volumeMode": mode_text(object.block),
                "csi": object.csi.as_deref().map(|csi| write_csi(writer, csi)),
            },
            "status": { "phase": object.phase.text() },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.capacity = size(json, "/spec/capacity/storage")?.unwrap_or_default();
        object.modes = modes(json, "/spec/accessModes")?;
        object.claim = match json.pointer("/spec/claimRef").filter(|claim| !claim.is_null()) {
            None => None,
            Some(claim) => Some(ClaimRef {
                namespace: reader.name(claim, "/namespace")?,
                name: reader.name(claim, "/name")?,
                uid: uid_of(text(claim, "/uid")?),
            }),
        };
        object.reclaim = one_of(json, "/spec/persistentVolumeReclaimPolicy", Reclaim::parse)?;
        object.class = reader.name(json, "/spec/storageClassName")?;
        object.mount_options = reader.list(json, "/spec/mountOptions")?;
        object.block = is_block(json)?;
        object.csi = match json.pointer("/spec/csi").filter(|csi| !csi.is_null()) {
            None => None,
            Some(csi) => Some(Box::new(read_csi(reader, csi)?)),
        };
        object.phase = one_of(json, "/status/phase", VolumePhase::parse)?;
        Ok(())
    }
}

fn write_csi(writer: &Writer<'_>, csi: &Csi) -> Value {
    let secret = |at: Option<SecretRef>| {
        at.map(|at| json!({ "name": writer.text(at.name), "namespace": writer.text(at.namespace) }))
    };
    json!({
        "driver": writer.text(csi.driver),
        "volumeHandle": writer.text(csi.handle),
        "readOnly": csi.read_only.then_some(true),
        "fsType": writer.text(csi.fs_type),
        "volumeAttributes": writer.pairs(&csi.attributes),
        "controllerPublishSecretRef": secret(csi.controller_publish_secret),
        "nodeStageSecretRef": secret(csi.node_stage_secret),
        "nodePublishSecretRef": secret(csi.node_publish_secret),
        "controllerExpandSecretRef": secret(csi.controller_expand_secret),
        "nodeExpandSecretRef": secret(csi.node_expand_secret),
    })
}

fn read_csi(reader: &mut Reader<'_>, csi: &Value) -> Result<Csi, Refusal> {
    Ok(Csi {
        driver: reader.name(csi, "/driver")?,
        handle: reader.name(csi, "/volumeHandle")?,
        fs_type: reader.name(csi, "/fsType")?,
        read_only: flag(csi, "/readOnly")?.unwrap_or_default(),
        attributes: reader.pairs(csi, "/volumeAttributes")?,
        controller_expand_secret: secret(reader, csi, "/controllerExpandSecretRef")?,
        node_expand_secret: secret(reader, csi, "/nodeExpandSecretRef")?,
        controller_publish_secret: secret(reader, csi, "/controllerPublishSecretRef")?,
        node_stage_secret: secret(reader, csi, "/nodeStageSecretRef")?,
        node_publish_secret: secret(reader, csi, "/nodePublishSecretRef")?,
    })
}

fn secret(
    reader: &mut Reader<'_>,
    csi: &Value,
    pointer: &str,
) -> Result<Option<SecretRef>, Refusal> {
    let Some(at) = csi.pointer(pointer).filter(|at| !at.is_null()) else { return Ok(None) };
    let (namespace, name) = (reader.name(at, "/namespace")?, reader.name(at, "/name")?);
    Ok(Some(SecretRef { namespace, name }))
}
