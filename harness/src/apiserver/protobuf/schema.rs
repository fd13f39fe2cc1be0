//! The messages of the kinds that sidecars send: csi-provisioner makes volumes and edits claims, all
//! write events. Numbers and names are the API's.

/// A field of a message.
pub struct Field {
    /// On the wire.
    pub number: u32,
    /// In JSON.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
    /// Whether there may be several, a list in JSON.
    pub many: bool,
}

/// What a field is.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A string.
    Text,
    /// true or false.
    Bool,
    /// A whole number.
    Int,
    /// A time.
    Time,
    /// A size with its unit.
    Quantity,
    /// A map from text to text.
    TextMap,
    /// A map from text to sizes.
    QuantityMap,
    /// An object.
    Message(&'static [Field]),
    /// An object whose fields are the outer one's in JSON.
    Inline(&'static [Field]),
    /// Known, and of no use here.
    Skipped,
}

impl Shape {
    /// What the entry of a map looks like.
    pub fn entry(self) -> &'static [Field] {
        match self {
            Self::QuantityMap => QUANTITY_ENTRY,
            _ => TEXT_ENTRY,
        }
    }
}

const fn one(number: u32, name: &'static str, shape: Shape) -> Field {
    Field { number, name, shape, many: false }
}

const fn many(number: u32, name: &'static str, shape: Shape) -> Field {
    Field { number, name, shape, many: true }
}

const fn text(number: u32, name: &'static str) -> Field {
    one(number, name, Shape::Text)
}

use Shape::{Bool, Inline, Int, Message, Quantity, QuantityMap, Skipped, Text, TextMap, Time};

/// What can be sent.
pub const KINDS: &[(&str, &[Field])] =
    &[("PersistentVolume", VOLUME), ("PersistentVolumeClaim", CLAIM), ("Event", EVENT)];

/// Around every object.
pub const ENVELOPE: &[Field] = &[
    one(1, "typeMeta", Inline(TYPE_META)),
    one(2, "raw", Skipped),
    text(3, "contentEncoding"),
    text(4, "contentType"),
];

const TYPE_META: &[Field] = &[text(1, "apiVersion"), text(2, "kind")];

pub const TIME: &[Field] = &[one(1, "seconds", Int), one(2, "nanos", Int)];
pub const QUANTITY: &[Field] = &[text(1, "string")];
const TEXT_ENTRY: &[Field] = &[text(1, "key"), text(2, "value")];
const QUANTITY_ENTRY: &[Field] = &[text(1, "key"), one(2, "value", Quantity)];

const META: &[Field] = &[
    text(1, "name"),
    text(2, "generateName"),
    text(3, "namespace"),
    text(4, "selfLink"),
    text(5, "uid"),
    text(6, "resourceVersion"),
    one(7, "generation", Int),
    one(8, "creationTimestamp", Time),
    one(9, "deletionTimestamp", Time),
    one(10, "deletionGracePeriodSeconds", Int),
    one(11, "labels", TextMap),
    one(12, "annotations", TextMap),
    many(13, "ownerReferences", Message(OWNER)),
    many(14, "finalizers", Text),
    one(17, "managedFields", Skipped),
];

const OWNER: &[Field] = &[
    text(1, "kind"),
    text(3, "name"),
    text(4, "uid"),
    text(5, "apiVersion"),
    one(6, "controller", Bool),
    one(7, "blockOwnerDeletion", Bool),
];

const VOLUME: &[Field] = &[
    one(1, "metadata", Message(META)),
    one(2, "spec", Message(VOLUME_SPEC)),
    one(3, "status", Message(VOLUME_STATUS)),
];

const VOLUME_SPEC: &[Field] = &[
    one(1, "capacity", QuantityMap),
    one(2, "persistentVolumeSource", Inline(VOLUME_SOURCE)),
    many(3, "accessModes", Text),
    one(4, "claimRef", Message(REFERENCE)),
    text(5, "persistentVolumeReclaimPolicy"),
    text(6, "storageClassName"),
    many(7, "mountOptions", Text),
    text(8, "volumeMode"),
    one(9, "nodeAffinity", Message(NODE_AFFINITY)),
    text(10, "volumeAttributesClassName"),
];

const VOLUME_SOURCE: &[Field] = &[one(22, "csi", Message(CSI))];

const CSI: &[Field] = &[
    text(1, "driver"),
    text(2, "volumeHandle"),
    one(3, "readOnly", Bool),
    text(4, "fsType"),
    one(5, "volumeAttributes", TextMap),
    one(6, "controllerPublishSecretRef", Message(SECRET)),
    one(7, "nodeStageSecretRef", Message(SECRET)),
    one(8, "nodePublishSecretRef", Message(SECRET)),
    one(9, "controllerExpandSecretRef", Message(SECRET)),
    one(10, "nodeExpandSecretRef", Message(SECRET)),
];

const SECRET: &[Field] = &[text(1, "name"), text(2, "namespace")];

const NODE_AFFINITY: &[Field] = &[one(1, "required", Message(NODE_SELECTOR))];
const NODE_SELECTOR: &[Field] = &[many(1, "nodeSelectorTerms", Message(NODE_TERM))];
const NODE_TERM: &[Field] = &[
    many(1, "matchExpressions", Message(EXPRESSION)),
    many(2, "matchFields", Message(EXPRESSION)),
];
const EXPRESSION: &[Field] = &[text(1, "key"), text(2, "operator"), many(3, "values", Text)];

const VOLUME_STATUS: &[Field] = &[
    text(1, "phase"),
    text(2, "message"),
    text(3, "reason"),
    one(4, "lastPhaseTransitionTime", Time),
];

const REFERENCE: &[Field] = &[
    text(1, "kind"),
    text(2, "namespace"),
    text(3, "name"),
    text(4, "uid"),
    text(5, "apiVersion"),
    text(6, "resourceVersion"),
    text(7, "fieldPath"),
];

const CLAIM: &[Field] = &[
    one(1, "metadata", Message(META)),
    one(2, "spec", Message(CLAIM_SPEC)),
    one(3, "status", Message(CLAIM_STATUS)),
];

const CLAIM_SPEC: &[Field] = &[
    many(1, "accessModes", Text),
    one(2, "resources", Message(RESOURCES)),
    text(3, "volumeName"),
    one(4, "selector", Message(SELECTOR)),
    text(5, "storageClassName"),
    text(6, "volumeMode"),
    one(7, "dataSource", Message(TYPED)),
    one(8, "dataSourceRef", Message(TYPED)),
    text(9, "volumeAttributesClassName"),
];

const RESOURCES: &[Field] = &[one(1, "limits", QuantityMap), one(2, "requests", QuantityMap)];
const SELECTOR: &[Field] =
    &[one(1, "matchLabels", TextMap), many(2, "matchExpressions", Message(EXPRESSION))];
const TYPED: &[Field] =
    &[text(1, "apiGroup"), text(2, "kind"), text(3, "name"), text(4, "namespace")];

const CLAIM_STATUS: &[Field] = &[
    text(1, "phase"),
    many(2, "accessModes", Text),
    one(3, "capacity", QuantityMap),
    many(4, "conditions", Message(CONDITION)),
    one(5, "allocatedResources", QuantityMap),
    one(7, "allocatedResourceStatuses", TextMap),
    text(8, "currentVolumeAttributesClassName"),
];

const CONDITION: &[Field] = &[
    text(1, "type"),
    text(2, "status"),
    one(3, "lastProbeTime", Time),
    one(4, "lastTransitionTime", Time),
    text(5, "reason"),
    text(6, "message"),
];

const EVENT: &[Field] = &[
    one(1, "metadata", Message(META)),
    one(2, "involvedObject", Message(REFERENCE)),
    text(3, "reason"),
    text(4, "message"),
    one(5, "source", Message(&[text(1, "component"), text(2, "host")])),
    one(6, "firstTimestamp", Time),
    one(7, "lastTimestamp", Time),
    one(8, "count", Int),
    text(9, "type"),
    one(10, "eventTime", Time),
    one(11, "series", Message(&[one(1, "count", Int), one(2, "lastObservedTime", Time)])),
    text(12, "action"),
    one(13, "related", Message(REFERENCE)),
    text(14, "reportingComponent"),
    text(15, "reportingInstance"),
];
