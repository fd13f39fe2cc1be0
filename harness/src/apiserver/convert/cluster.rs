//! Pods, nodes, attachments, classes, drivers.

use serde_json::{Value, json};

use super::{Reader, View, Writer, elements, flag, one_of, text};
use crate::{
    apiserver::refusal::Refusal,
    generator::orchestrator::{
        names::Name,
        objects::{Attachment, Class, Driver, Node, Pairs, Pod, PodPhase, PodVolume, Reclaim},
    },
};

impl View for Pod {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let volume = |volume: &PodVolume| {
            let claim = writer.text(volume.claim);
            let read_only = volume.read_only.then_some(true);
            json!({
                "name": claim,
                "persistentVolumeClaim": { "claimName": claim, "readOnly": read_only },
            })
        };
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": writer.meta(&object.meta),
            "spec": {
                "nodeName": writer.text(object.node),
                "volumes": object.volumes.iter().map(volume).collect::<Vec<_>>(),
            },
            "status": { "phase": object.phase.text() },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.node = reader.name(json, "/spec/nodeName")?;
        object.volumes.clear();
        for volume in elements(json, "/spec/volumes")? {
            let Some(claim) = volume.get("persistentVolumeClaim") else { continue };
            object.volumes.push(PodVolume {
                claim: reader.name(claim, "/claimName")?,
                read_only: flag(claim, "/readOnly")?.unwrap_or_default(),
            });
        }
        object.phase = one_of(json, "/status/phase", PodPhase::parse)?;
        Ok(())
    }
}

impl View for Node {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let ready = if object.ready { "True" } else { "Unknown" };
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": writer.meta(&object.meta),
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        // A node that says nothing of it has a kubelet.
        object.ready = true;
        for condition in elements(json, "/status/conditions")? {
            if text(condition, "/type")? == "Ready" {
                object.ready = text(condition, "/status")? == "True";
            }
        }
        Ok(())
    }
}

/// A CSINode, which is a part of the simulator's node.
pub struct CsiNode;

impl View for CsiNode {
    type Object = Node;
    const PART: Option<fn(&mut Node)> = Some(|node| node.drivers = Pairs::default());

    fn shows(node: &Node) -> bool {
        !node.drivers.is_empty()
    }

    fn write(node: &Node, writer: &Writer<'_>) -> Value {
        let driver = |(name, id)| json!({ "name": writer.text(name), "nodeID": writer.text(id) });
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSINode",
            "metadata": writer.meta(&node.meta),
            "spec": { "drivers": node.drivers.iter().map(driver).collect::<Vec<_>>() },
        })
    }

    fn read(node: &mut Node, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        let mut drivers = Pairs::default();
        for driver in elements(json, "/spec/drivers")? {
            drivers.set(reader.name(driver, "/name")?, reader.name(driver, "/nodeID")?);
        }
        node.drivers = drivers;
        Ok(())
    }
}

impl View for Attachment {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let error = |message: Name| json!({ "message": writer.text(message) });
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "VolumeAttachment",
            "metadata": writer.meta(&object.meta),
            "spec": {
                "attacher": writer.text(object.attacher),
                "nodeName": writer.text(object.node),
                "source": { "persistentVolumeName": writer.text(object.volume) },
            },
            "status": {
                "attached": object.attached,
                "attachmentMetadata": writer.pairs(&object.metadata),
                "attachError": error(object.attach_error),
                "detachError": error(object.detach_error),
            },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.attacher = reader.name(json, "/spec/attacher")?;
        object.node = reader.name(json, "/spec/nodeName")?;
        object.volume = reader.name(json, "/spec/source/persistentVolumeName")?;
        object.attached = flag(json, "/status/attached")?.unwrap_or_default();
        object.metadata = reader.pairs(json, "/status/attachmentMetadata")?;
        object.attach_error = reader.name(json, "/status/attachError/message")?;
        object.detach_error = reader.name(json, "/status/detachError/message")?;
        Ok(())
    }
}

impl View for Class {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        let mode = if object.wait_for_consumer { "WaitForFirstConsumer" } else { "Immediate" };
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": writer.meta(&object.meta),
            "provisioner": writer.text(object.provisioner),
            "parameters": writer.pairs(&object.parameters),
            "reclaimPolicy": object.reclaim.text(),
            "mountOptions": writer.texts(&object.mount_options),
            "allowVolumeExpansion": object.allow_expansion,
            "volumeBindingMode": mode,
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.provisioner = reader.name(json, "/provisioner")?;
        object.parameters = reader.pairs(json, "/parameters")?;
        object.reclaim = one_of(json, "/reclaimPolicy", Reclaim::parse)?;
        object.mount_options = reader.list(json, "/mountOptions")?;
        object.allow_expansion = flag(json, "/allowVolumeExpansion")?.unwrap_or_default();
        object.wait_for_consumer = text(json, "/volumeBindingMode")? == "WaitForFirstConsumer";
        Ok(())
    }
}

impl View for Driver {
    type Object = Self;

    fn write(object: &Self, writer: &Writer<'_>) -> Value {
        json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": writer.meta(&object.meta),
            "spec": { "attachRequired": !object.no_attach },
        })
    }

    fn read(object: &mut Self, reader: &mut Reader<'_>, json: &Value) -> Result<(), Refusal> {
        reader.meta(&mut object.meta, json)?;
        object.no_attach = flag(json, "/spec/attachRequired")? == Some(false);
        Ok(())
    }
}
