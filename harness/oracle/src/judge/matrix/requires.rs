//! Whether a target offers what a clause is about. The catalogue names capabilities as the
//! specification does (`controller.EXPAND_VOLUME`), a target's offers as scenarios do.

use crate::offer::Offers;

/// CSI's name, the offer that stands for it.
const OFFERS: &[(&str, &str)] = &[
    ("plugin.CONTROLLER_SERVICE", "controller"),
    ("plugin.ONLINE", "expand.online"),
    ("plugin.OFFLINE", "expand.offline-only"),
    ("controller.CREATE_DELETE_VOLUME", "controller.create"),
    ("controller.PUBLISH_UNPUBLISH_VOLUME", "controller.publish"),
    ("controller.LIST_VOLUMES", "controller.list"),
    ("controller.LIST_VOLUMES_PUBLISHED_NODES", "controller.list-nodes"),
    ("controller.GET_CAPACITY", "controller.capacity"),
    ("controller.CREATE_DELETE_SNAPSHOT", "controller.snapshot"),
    ("controller.LIST_SNAPSHOTS", "controller.list-snapshots"),
    ("controller.CLONE_VOLUME", "controller.clone"),
    ("controller.EXPAND_VOLUME", "controller.expand"),
    ("controller.GET_VOLUME", "controller.get"),
    ("controller.MODIFY_VOLUME", "controller.modify"),
    ("controller.PUBLISH_READONLY", "controller.publish-readonly"),
    ("node.STAGE_UNSTAGE_VOLUME", "node.stage"),
    ("node.GET_VOLUME_STATS", "node.stats"),
    ("node.EXPAND_VOLUME", "node.expand"),
];

/// The first requirement that is not met, in words. `!x` must be absent, `a|b` either.
pub fn gap(requires: &[String], offers: &Offers) -> Option<String> {
    let unmet = requires.iter().find(|requirement| match requirement.strip_prefix('!') {
        Some(name) => has(name, offers),
        None => !requirement.split('|').any(|name| has(name, offers)),
    })?;
    Some(match unmet.strip_prefix('!') {
        Some(name) => format!("only for targets without {name}"),
        None => format!("the target does not offer {}", unmet.replace('|', " or ")),
    })
}

fn has(name: &str, offers: &Offers) -> bool {
    let offer = OFFERS.iter().find(|(csi, _)| *csi == name);
    offer.is_some_and(|(_, offer)| offers.has(offer)) || is_declared(name, offers)
}

/// As the target itself has put it; the calls that declare are named after the service.
fn is_declared(name: &str, offers: &Offers) -> bool {
    let Some((service, capability)) = name.split_once('.') else { return false };
    let mut lists =
        offers.declared.iter().filter(|(call, _)| call.to_lowercase().contains(service));
    lists.any(|(_, names)| names.iter().any(|name| name == capability))
}
