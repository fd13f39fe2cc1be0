//! What the machine under the harness allows, as far as offers depend on it: facts of the host put
//! into reasons that a skip can show.

use std::collections::BTreeMap;

use csi_stretch_oracle::{action::Engine, history::Tier};

use crate::host::facts::Facts;

/// A yes, or the reason why not.
pub type Allowed = Result<(), String>;

/// What this host allows. An `Err` is the reason why not.
#[derive(Clone, Debug)]
pub struct Support {
    /// File systems that can be made and mounted.
    pub fs: BTreeMap<&'static str, Allowed>,
    /// A mounted ext4 can grow.
    pub ext4_online: Allowed,
    /// Devices and mounts can be looked at.
    pub observe: Allowed,
    /// Databases, by engine; what is not here has nothing in its way.
    pub database: BTreeMap<&'static str, Allowed>,
    /// The harness started the driver and may restart it.
    pub restart: Allowed,
    /// The run's folders leave room for paths of 128 bytes.
    pub paths: Allowed,
}

impl Support {
    /// On the memory tier everything is simulated, so the host takes nothing away.
    pub fn of(tier: Tier, launched: bool) -> Self {
        let restart = if launched {
            Ok(())
        } else {
            Err("the harness did not start this driver (use `exec:`)".to_owned())
        };
        if tier == Tier::Memory {
            let why = "volumes of the memory tier are simulated: no database can run on them";
            let database = Engine::ALL.map(|engine| (engine.offer(), Err(why.to_owned())));
            return Self {
                fs: BTreeMap::new(),
                ext4_online: Ok(()),
                observe: Ok(()),
                database: database.into(),
                restart,
                paths: Ok(()),
            };
        }
        let facts = Facts::gather();
        let fs =
            [("ext4", "tool.mkfs.ext4"), ("xfs", "tool.mkfs.xfs"), ("btrfs", "tool.mkfs.btrfs")]
                .into_iter()
                .map(|(fs, tool)| (fs, all(&facts, &[&format!("kernel.{fs}"), tool])))
                .collect();
        let observe = all(&facts, &["root"]);
        let server = if cfg!(feature = "mariadb") {
            all(&facts, &["root", "tool.mariadbd", "tool.mariadb-install-db"])
        } else {
            Err("this build has no client of MariaDB (build with the default features)".to_owned())
        };
        let database = [(Engine::Pages, all(&facts, &["root"])), (Engine::Mariadb, server)];
        let database = database.map(|(engine, allowed)| (engine.offer(), allowed)).into();
        Self { fs, ext4_online: ext4_online(), observe, database, restart, paths: Ok(()) }
    }
}

/// A mounted ext4 can grow on this host.
pub fn ext4_online() -> Allowed {
    all(&Facts::gather(), &["cap.sys_resource"])
}

/// Volumes can be real loop devices on this host.
pub fn loop_devices() -> Allowed {
    all(&Facts::gather(), &["root", "cap.sys_admin", "loop"])
}

/// The first of these facts that is missing, in words.
fn all(facts: &Facts, names: &[&str]) -> Allowed {
    for name in names {
        match facts.get(name) {
            Some(fact) if fact.present => {}
            Some(fact) => return Err(format!("{}: {} ({})", fact.name, fact.why, fact.how_to_get)),
            None => return Err(format!("nothing is known of `{name}` on this host")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_tier_takes_nothing_away() {
        let support = Support::of(Tier::Memory, false);
        assert!(support.ext4_online.is_ok() && support.observe.is_ok());
        assert!(support.restart.unwrap_err().contains("exec:"));
    }

    #[test]
    fn every_fact_that_is_asked_for_exists() {
        let facts = Facts::gather();
        for name in
            ["root", "cap.sys_admin", "cap.sys_resource", "loop", "kernel.xfs", "tool.mkfs.btrfs"]
        {
            assert!(facts.get(name).is_some(), "{name}");
        }
    }
}
