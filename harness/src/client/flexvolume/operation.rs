//! What a FlexVolume driver can be asked to do.

use std::fmt;

/// The first argument of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Once, before all others.
    Init,
    /// `<json>`
    GetVolumeName,
    /// `<json> <node>`
    Attach,
    /// `<device> <json>`
    WaitForAttach,
    /// `<json> <node>`
    IsAttached,
    /// `<volume name> <node>`
    Detach,
    /// `<folder> <device> <json>`
    MountDevice,
    /// `<folder>`
    UnmountDevice,
    /// `<folder> <json>`
    Mount,
    /// `<folder>`
    Unmount,
    /// `<json> <mount path> <new bytes> <old bytes>`
    ExpandVolume,
    /// `<json> <device> <mount path> <new bytes> <old bytes>`
    ExpandFs,
    /// `<json> <bytes>`; an extension, see `Capabilities::create_delete`.
    CreateVolume,
    /// `<volume name>`; an extension, too.
    DeleteVolume,
}

impl Operation {
    /// As the driver gets it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::GetVolumeName => "getvolumename",
            Self::Attach => "attach",
            Self::WaitForAttach => "waitforattach",
            Self::IsAttached => "isattached",
            Self::Detach => "detach",
            Self::MountDevice => "mountdevice",
            Self::UnmountDevice => "unmountdevice",
            Self::Mount => "mount",
            Self::Unmount => "unmount",
            Self::ExpandVolume => "expandvolume",
            Self::ExpandFs => "expandfs",
            Self::CreateVolume => "createvolume",
            Self::DeleteVolume => "deletevolume",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
