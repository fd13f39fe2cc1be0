//! CreateVolume: what is wrong with a request, and what it clashes with.

use csi_stretch_proto::csi::v1::{self as csi, VolumeCapability};
use tonic::Code;

use super::{World, but, support::*};

pub fn rows(w: &World) -> Vec<(&'static str, Call, Code)> {
    use Code::{AlreadyExists, InvalidArgument, NotFound, OutOfRange};
    let new = || create("new", mount("ext4"), 8 * MIB);
    let row = |label, code, change: &dyn Fn(&mut csi::CreateVolumeRequest)| {
        (label, Call::Create(but(new(), |r| change(r))), code)
    };
    let sized = |required, limit| {
        move |r: &mut csi::CreateVolumeRequest| {
            r.capacity_range = range(required, limit);
        }
    };
    let able = |c: VolumeCapability| {
        move |r: &mut csi::CreateVolumeRequest| {
            r.volume_capabilities.push(c.clone());
        }
    };
    let named = |r: &mut csi::CreateVolumeRequest| r.name = "idle".into();
    let (snapshot, idle) = (w.snapshot.clone(), w.idle.id.clone());
    vec![
        row("name missing", InvalidArgument, &|r| r.name.clear()),
        row("name too long", InvalidArgument, &|r| r.name = "n".repeat(129)),
        row("name with control character", InvalidArgument, &|r| r.name = "a\nb".into()),
        row("no capabilities", InvalidArgument, &|r| r.volume_capabilities.clear()),
        row("capability without type", InvalidArgument, &able(VolumeCapability::default())),
        row(
            "capability without mode",
            InvalidArgument,
            &able(but(block(), |c| c.access_mode = None)),
        ),
        row("unknown mode", InvalidArgument, &|r| {
            r.volume_capabilities[0].access_mode.as_mut().unwrap().mode = 99;
        }),
        row("unknown file system", InvalidArgument, &able(mount("ntfs"))),
        row("empty range", InvalidArgument, &sized(0, 0)),
        row("negative required", InvalidArgument, &sized(-1, 0)),
        row("negative limit", InvalidArgument, &sized(0, -1)),
        row("inverted range", InvalidArgument, &sized(8 * MIB, 4 * MIB)),
        row("above the maximum", OutOfRange, &sized((16 << 40) + 1, 0)),
        row("largest number", OutOfRange, &sized(i64::MAX, 0)),
        row("limit below the minimum", OutOfRange, &sized(0, MIB - 1)),
        row("limit between multiples", OutOfRange, &sized(MIB + 1, MIB + 2)),
        row("unknown snapshot", NotFound, &|r| r.volume_content_source = from_snapshot("nope")),
        row("unknown source volume", NotFound, &|r| r.volume_content_source = from_volume("nope")),
        row("source without id", InvalidArgument, &|r| r.volume_content_source = from_volume("")),
        row("source without type", InvalidArgument, &|r| {
            r.volume_content_source = Some(csi::VolumeContentSource::default());
        }),
        row("limit below the source", OutOfRange, &|r| {
            r.volume_content_source = from_snapshot(&snapshot);
            r.capacity_range = range(0, 4 * MIB);
        }),
        row("block from a mount", InvalidArgument, &|r| {
            r.volume_content_source = from_volume(&idle);
            r.volume_capabilities = vec![block()];
        }),
        row("unknown mutable parameter", InvalidArgument, &|r| {
            r.mutable_parameters.insert("colour".into(), "red".into());
        }),
        row("same name, too small", AlreadyExists, &|r| {
            named(r);
            r.capacity_range = range(9 * MIB, 0);
        }),
        row("same name, too large", AlreadyExists, &|r| {
            named(r);
            r.capacity_range = range(0, 7 * MIB);
        }),
        row("same name, other use", AlreadyExists, &|r| {
            named(r);
            r.volume_capabilities = vec![block()];
        }),
        row("same name, other parameters", AlreadyExists, &|r| {
            named(r);
            r.parameters.insert("a".into(), "b".into());
        }),
        row("same name, other source", AlreadyExists, &|r| {
            named(r);
            r.volume_content_source = from_snapshot(&snapshot);
        }),
    ]
}
