//! Offers: what the driver declares, what its profile says, and what this host allows, put
//! together once. Everything that is not offered has a reason that names what is missing.

use std::collections::BTreeMap;

use csi_stretch_oracle::{
    action::Engine,
    offer::{KNOWN, Offers},
};

use super::{
    Declared, Profile,
    profile::{ProfileError, Size},
    support::Support,
};
use crate::client::Dialect;

/// Capability in CSI's spelling, and the offer it makes.
const CONTROLLER: &[(&str, &str)] = &[
    ("CREATE_DELETE_VOLUME", "controller.create"),
    ("PUBLISH_UNPUBLISH_VOLUME", "controller.publish"),
    ("LIST_VOLUMES", "controller.list"),
    ("LIST_VOLUMES_PUBLISHED_NODES", "controller.list-nodes"),
    ("GET_CAPACITY", "controller.capacity"),
    ("CREATE_DELETE_SNAPSHOT", "controller.snapshot"),
    ("LIST_SNAPSHOTS", "controller.list-snapshots"),
    ("CLONE_VOLUME", "controller.clone"),
    ("EXPAND_VOLUME", "controller.expand"),
    ("GET_VOLUME", "controller.get"),
    ("MODIFY_VOLUME", "controller.modify"),
    ("PUBLISH_READONLY", "controller.publish-readonly"),
];
const NODE: &[(&str, &str)] = &[
    ("STAGE_UNSTAGE_VOLUME", "node.stage"),
    ("GET_VOLUME_STATS", "node.stats"),
    ("EXPAND_VOLUME", "node.expand"),
];

/// Puts the three sources together.
pub fn offers(
    declared: &Declared,
    profile: &Profile,
    support: &Support,
) -> Result<Offers, ProfileError> {
    let mut sheet = Sheet::default();
    services(&mut sheet, declared);
    growth(&mut sheet, declared);
    volumes(&mut sheet, profile, support);
    sheet.set("observe", support.observe.clone());
    sheet.set("data", support.observe.clone());
    for engine in Engine::ALL {
        let why = support.database.get(engine.offer()).cloned();
        sheet.set(engine.offer(), why.unwrap_or(Ok(())));
    }
    let files = "MariaDB keeps its data in files, and a block volume has none";
    sheet.set("database.mariadb-block", Err(files.to_owned()));
    sheet.set("fault.restart", support.restart.clone());
    sheet.set("paths.128", support.paths.clone());
    let maximum = bytes(profile.sizes.maximum.as_ref())?;
    sheet.yes("size.maximum", maximum > 0, "the target profile states no `sizes: {maximum}`");
    let mut offers = sheet.finish();
    offers.granularity = bytes(profile.sizes.granularity.as_ref())?.max(1);
    let or = |said: u64, declared: u64| if said > 0 { said } else { declared };
    offers.minimum = or(bytes(profile.sizes.minimum.as_ref())?, declared.smallest);
    // The driver's own figure is about creation (spec, GetCapacityResponse): volumes stay below it,
    // and what happens beyond it is tested only where a person says so, hence not `size.maximum`.
    offers.maximum = or(maximum, declared.largest);
    offers.assumed = profile.assumed;
    offers.declared = BTreeMap::from([
        ("plugin".into(), declared.plugin.clone()),
        ("controller".into(), declared.controller.clone().unwrap_or_default()),
        ("node".into(), declared.node.clone().unwrap_or_default()),
    ]);
    Ok(offers)
}

fn services(sheet: &mut Sheet, declared: &Declared) {
    let controller = declared.controller.as_deref();
    sheet.yes("controller", controller.is_some(), "the driver has no Controller service");
    for (capability, offer) in CONTROLLER {
        let has = controller.is_some_and(|list| list.iter().any(|c| c == capability));
        sheet.yes(offer, has, &why_not(declared.dialect, "controller", capability));
    }
    let node = declared.node.as_deref();
    sheet.yes("node", node.is_some(), "the driver has no Node service");
    for (capability, offer) in NODE {
        let has = node.is_some_and(|list| list.iter().any(|c| c == capability));
        sheet.yes(offer, has, &why_not(declared.dialect, "node", capability));
    }
}

/// Why a capability is not offered.
fn why_not(dialect: Dialect, service: &str, capability: &str) -> String {
    if dialect.lacks(capability) {
        return format!("{} has no {service} {capability}", dialect.name());
    }
    match dialect {
        Dialect::V0 if capability == "EXPAND_VOLUME" => {
            format!("the driver has no resize call of {} on the {service}", dialect.name())
        }
        _ => format!("the driver does not declare {service} {capability}"),
    }
}

/// A driver with EXPAND_VOLUME but no VolumeExpansion leaves its mode undefined. It is tried in
/// both; generators and checks then also accept a refusal of growth while in use.
fn growth(sheet: &mut Sheet, declared: &Declared) {
    let expand = sheet.has("controller.expand") || sheet.has("node.expand");
    let online = declared.plugin.iter().any(|c| c == "ONLINE");
    let offline = declared.plugin.iter().any(|c| c == "OFFLINE");
    sheet.yes("expand", expand, "the driver declares EXPAND_VOLUME neither on controller nor node");
    sheet.yes(
        "expand.online",
        expand && (online || !offline),
        "the driver declares VolumeExpansion OFFLINE without ONLINE",
    );
    sheet.yes("expand.offline", expand, "the driver does not declare EXPAND_VOLUME");
    sheet.yes(
        "expand.offline-only",
        expand && offline && !online,
        "the driver does not declare VolumeExpansion OFFLINE alone",
    );
}

fn volumes(sheet: &mut Sheet, profile: &Profile, support: &Support) {
    for access in ["mount", "block"] {
        let has = profile.access.iter().any(|a| a == access);
        sheet.yes(
            &format!("access.{access}"),
            has,
            "the target profile does not list it in `access`",
        );
    }
    for fs in ["ext4", "xfs", "btrfs"] {
        let listed = profile.fs.iter().any(|f| f == fs);
        let fs_support = match support.fs.get(fs) {
            _ if !sheet.has("access.mount") => {
                Err("the target profile does not list `mount` in `access`".to_owned())
            }
            _ if !listed => Err("the target profile does not list it in `fs`".to_owned()),
            Some(result) => result.clone(),
            None => Ok(()),
        };
        sheet.set(&format!("fs.{fs}"), fs_support.clone());
        let online =
            if fs == "ext4" { fs_support.and(support.ext4_online.clone()) } else { fs_support };
        sheet.set(&format!("online.{fs}"), online.clone());
        let mountable = sheet.has(&format!("fs.{fs}"));
        let staged = match online {
            Err(_) if mountable && profile.grows_at_stage => Ok(()),
            Err(why) if mountable => Err(format!(
                "{why} (a driver that grows it before the mount says so: `grows_at_stage: true`)"
            )),
            other => other,
        };
        sheet.set(&format!("offline.{fs}"), staged);
    }
}

fn bytes(size: Option<&Size>) -> Result<u64, ProfileError> {
    size.map_or(Ok(0), Size::bytes)
}

#[derive(Default)]
struct Sheet(BTreeMap<String, Result<(), String>>);

impl Sheet {
    fn set(&mut self, name: &str, value: Result<(), String>) {
        debug_assert!(KNOWN.iter().any(|(known, _)| *known == name), "unknown offer {name}");
        self.0.insert(name.to_owned(), value);
    }

    fn yes(&mut self, name: &str, has: bool, why_not: &str) {
        self.set(name, if has { Ok(()) } else { Err(why_not.to_owned()) });
    }

    fn has(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Ok(())))
    }

    fn finish(self) -> Offers {
        let mut offers = Offers::default();
        for (name, value) in self.0 {
            match value {
                Ok(()) => drop(offers.has.insert(name)),
                Err(why) => drop(offers.lacks.insert(name, why)),
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support() -> Support {
        Support {
            fs: BTreeMap::from([("xfs", Err("needs mkfs.xfs".to_owned()))]),
            ext4_online: Err("needs CAP_SYS_RESOURCE".into()),
            observe: Ok(()),
            database: BTreeMap::new(),
            restart: Ok(()),
            paths: Ok(()),
        }
    }

    fn declared(plugin: &[&str]) -> Declared {
        Declared {
            plugin: plugin.iter().map(ToString::to_string).collect(),
            controller: Some(vec!["EXPAND_VOLUME".into()]),
            node: Some(vec![]),
            ..Declared::default()
        }
    }

    #[test]
    fn every_known_offer_is_decided_with_a_reason() {
        let offers = offers(&declared(&[]), &Profile::default(), &support()).unwrap();
        for (name, _) in KNOWN {
            assert!(offers.has(name) || !offers.lacks[*name].is_empty(), "{name}");
        }
    }

    #[rstest::rstest]
    #[case::nothing_said(0, None, 0, false)]
    #[case::by_the_driver(64, None, 64, false)]
    #[case::by_a_person(64, Some(32), 32, true)]
    fn the_largest_volume(
        #[case] declared_bytes: u64,
        #[case] stated: Option<u64>,
        #[case] maximum: u64,
        #[case] tested: bool,
    ) {
        let mut profile = Profile::default();
        profile.sizes.maximum = stated.map(Size::Bytes);
        let declared = Declared { largest: declared_bytes, ..declared(&["ONLINE"]) };
        let offers = offers(&declared, &profile, &support()).unwrap();
        assert_eq!((offers.maximum, offers.has("size.maximum")), (maximum, tested));
    }

    #[rstest::rstest]
    #[case(&[], true, true, false)]
    #[case(&["ONLINE"], true, true, false)]
    #[case(&["OFFLINE"], false, true, true)]
    #[case(&["ONLINE", "OFFLINE"], true, true, false)]
    fn modes(
        #[case] plugin: &[&str],
        #[case] online: bool,
        #[case] offline: bool,
        #[case] offline_only: bool,
    ) {
        let offers = offers(&declared(plugin), &Profile::default(), &support()).unwrap();
        assert_eq!(offers.has("expand.online"), online);
        assert_eq!(offers.has("expand.offline"), offline);
        assert_eq!(offers.has("expand.offline-only"), offline_only);
    }

    #[test]
    fn ext4_grown_unpublished_needs_growth_at_stage_or_the_kernels_leave() {
        let mut profile = Profile::default();
        let gap = |profile: &Profile| {
            offers(&declared(&["ONLINE"]), profile, &support()).unwrap().gap(["offline.ext4"])
        };
        let why = gap(&profile).unwrap();
        assert!(why.contains("CAP_SYS_RESOURCE") && why.contains("grows_at_stage"), "{why}");
        profile.grows_at_stage = true;
        assert_eq!(gap(&profile), None);
    }
}
