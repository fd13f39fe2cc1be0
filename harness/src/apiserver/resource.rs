//! What is served: the registry of resources, and how a path names one of their objects.

use super::refusal::Refusal;

/// A kind of object, as the API names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// Empty is the core group.
    pub group: &'static str,
    /// In paths, lower case.
    pub plural: &'static str,
    /// In objects.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What a write through `/status` may change, where there is such a path.
    pub status: Option<StatusWrites>,
    /// Which of the simulator's objects they are.
    pub holds: Holds,
}

/// What the objects of a resource are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the resources")]
pub enum Holds {
    Volumes,
    Claims,
    Pods,
    Nodes,
    CsiNodes,
    Drivers,
    Classes,
    Attachments,
    Events,
}

/// What a write through `/status` may change besides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusWrites {
    /// Labels and annotations too; csi-resizer relies on it.
    Metadata,
    /// Nothing else.
    Alone,
}

const fn core(plural: &'static str, kind: &'static str, holds: Holds) -> Resource {
    let status = Some(StatusWrites::Metadata);
    let namespaced = matches!(holds, Holds::Claims | Holds::Pods | Holds::Events);
    Resource { group: "", plural, kind, namespaced, status, holds }
}

const fn storage(plural: &'static str, kind: &'static str, holds: Holds) -> Resource {
    Resource { group: "storage.k8s.io", status: None, ..core(plural, kind, holds) }
}

/// All of them. What is not here is answered with 404, which turns off what a client would do with
/// it: VolumeAttributesClasses and VolumeSnapshots, for one.
pub const RESOURCES: &[Resource] = &[
    core("persistentvolumes", "PersistentVolume", Holds::Volumes),
    core("persistentvolumeclaims", "PersistentVolumeClaim", Holds::Claims),
    core("pods", "Pod", Holds::Pods),
    core("nodes", "Node", Holds::Nodes),
    Resource { status: None, ..core("events", "Event", Holds::Events) },
    storage("csinodes", "CSINode", Holds::CsiNodes),
    storage("csidrivers", "CSIDriver", Holds::Drivers),
    storage("storageclasses", "StorageClass", Holds::Classes),
    Resource {
        status: Some(StatusWrites::Alone),
        ..storage("volumeattachments", "VolumeAttachment", Holds::Attachments)
    },
];

/// The only version of every group that is served.
pub const VERSION: &str = "v1";

impl Resource {
    /// The one with this name in its group.
    pub fn find(group: &str, plural: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|resource| resource.group == group && resource.plural == plural)
    }

    /// The one that an object says it is.
    pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|r| r.kind == kind && r.api_version() == api_version)
    }

    /// As objects have it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { VERSION.to_owned() } else { format!("{}/{VERSION}", self.group) }
    }

    /// As messages of errors have it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

/// The name of one object. A namespace of an object that has none is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Empty for objects of the whole cluster.
    pub namespace: String,
    /// Within namespace and resource.
    pub name: String,
}

/// What a path points at.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// All objects, or those of one namespace.
    Collection(&'static Resource, Option<String>),
    /// One object, or its status.
    Object(&'static Resource, Key, Part),
    /// The versions of the core group.
    CoreVersions,
    /// The groups.
    Groups,
    /// The resources of a group.
    Resources(&'static str),
    /// Whether the server is well.
    Health,
    /// Which version it is.
    Version,
}

/// Which part of an object a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the status.
    Main,
    /// The status.
    Status,
}

impl Place {
    /// Reads a path.
    pub fn parse(path: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let place = match parts[..] {
            ["healthz" | "livez" | "readyz", ..] => Some(Self::Health),
            ["version"] => Some(Self::Version),
            ["api"] => Some(Self::CoreVersions),
            ["apis"] => Some(Self::Groups),
            ["api", VERSION, ref rest @ ..] => Self::below("", rest),
            ["apis", group, VERSION, ref rest @ ..] => Self::below(group, rest),
            _ => None,
        };
        place.ok_or_else(Refusal::no_such_path)
    }

    fn below(group: &str, rest: &[&str]) -> Option<Self> {
        match *rest {
            [] => RESOURCES.iter().find(|r| r.group == group).map(|r| Self::Resources(r.group)),
            ["namespaces", namespace, plural, ref rest @ ..] => {
                let resource = Resource::find(group, plural).filter(|r| r.namespaced)?;
                Self::within(resource, Some(namespace), rest)
            }
            [plural, ref rest @ ..] => {
                let resource = Resource::find(group, plural)?;
                // An object of a namespace has that in its path.
                let whole = !resource.namespaced || rest.is_empty();
                whole.then(|| Self::within(resource, None, rest))?
            }
        }
    }

    fn within(resource: &'static Resource, namespace: Option<&str>, rest: &[&str]) -> Option<Self> {
        let (name, part) = match *rest {
            [] => return Some(Self::Collection(resource, namespace.map(str::to_owned))),
            [name] => (name, Part::Main),
            [name, "status"] if resource.status.is_some() => (name, Part::Status),
            _ => return None,
        };
        let namespace = namespace.unwrap_or_default().to_owned();
        Some(Self::Object(resource, Key { namespace, name: name.to_owned() }, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_is_served_and_nothing_else() {
        let claims = Resource::find("", "persistentvolumeclaims").unwrap();
        let attachments = Resource::find("storage.k8s.io", "volumeattachments").unwrap();
        let key = |namespace: &str| Key { namespace: namespace.into(), name: "a".into() };
        let cases = [
            ("/api/v1/persistentvolumeclaims", Some(Place::Collection(claims, None))),
            (
                "/api/v1/namespaces/ns/persistentvolumeclaims",
                Some(Place::Collection(claims, Some("ns".into()))),
            ),
            (
                "/api/v1/namespaces/ns/persistentvolumeclaims/a/status",
                Some(Place::Object(claims, key("ns"), Part::Status)),
            ),
            (
                "/apis/storage.k8s.io/v1/volumeattachments/a",
                Some(Place::Object(attachments, key(""), Part::Main)),
            ),
            ("/apis/storage.k8s.io/v1", Some(Place::Resources("storage.k8s.io"))),
            ("/readyz?verbose", None),
            ("/api/v1/persistentvolumeclaims/a", None),
            ("/api/v1/namespaces/ns/persistentvolumes/a", None),
            ("/apis/storage.k8s.io/v1/storageclasses/a/status", None),
            ("/apis/storage.k8s.io/v1/volumeattributesclasses", None),
            ("/apis/storage.k8s.io/v1beta1/csinodes", None),
            ("/api/v1/secrets", None),
        ];
        for (path, expected) in cases {
            assert_eq!(Place::parse(path).ok(), expected, "{path}");
        }
    }
}
