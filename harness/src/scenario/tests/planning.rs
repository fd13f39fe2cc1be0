//! Plans on targets with different offers.

use csi_stretch_oracle::{
    action::Access,
    offer::{KNOWN, Offers},
};
use rstest::rstest;

use crate::scenario::{Options, Planned, Scenario, Sizes, embedded, load, plan, selected};

const MIB: u64 = 1 << 20;

/// All offers but these.
fn without(lacks: &[&str]) -> Offers {
    let lacks = |name: &str| name == "expand.offline-only" || lacks.contains(&name);
    let (no, yes): (Vec<&str>, Vec<&str>) =
        KNOWN.iter().map(|(name, _)| *name).partition(|name| lacks(name));
    Offers {
        has: yes.into_iter().map(str::to_owned).collect(),
        lacks: no.into_iter().map(|name| (name.to_owned(), format!("no {name}"))).collect(),
        granularity: 4 * MIB,
        minimum: 8 * MIB,
        maximum: 4096 * MIB,
        ..Offers::default()
    }
}

fn scenario(rest: &str) -> Scenario {
    let text = format!("about: x\nclauses: [controller-expand.purpose]\n{rest}\n");
    load("scenarios/a/b.yaml", &text, &|_| true).unwrap_or_else(|error| panic!("{error}"))
}

fn one(rest: &str, offers: &Offers, options: &Options) -> Planned {
    plan(&[scenario(rest)], offers, options).remove(0)
}

/// What a scenario needs beyond what it says, found by taking each offer away.
#[rstest]
#[case(
    "volume: { fs: ext4 }\nsteps: [grow: x2]",
    "controller.create expand expand.offline fs.ext4"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [grow: x2, publish]",
    "controller.create expand expand.offline fs.ext4 node offline.ext4"
)]
#[case(
    "volume: { fs: xfs }\nsteps: [publish, grow: x2, write: 1MiB]",
    "controller.create data expand expand.online fs.xfs node online.xfs"
)]
#[case(
    "volume: { fs: block }\nsteps: [publish, grow: x2]",
    "access.block controller.create expand expand.online node"
)]
#[case(
    "volume: { fs: btrfs }\nsteps: [stage, grow: x2]",
    "controller.create expand expand.online fs.btrfs node.stage online.btrfs"
)]
#[case(
    "volume: { fs: xfs }\nrequires: [node.stage]\nsteps: [publish, grow: { to: x2, path: staging }]",
    "controller.create expand expand.online fs.xfs node node.stage online.xfs"
)]
#[case(
    "volume: { fs: xfs }\nsteps: [publish: { path: staging }]",
    "controller.create fs.xfs node node.stage"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [snapshot: s, restore: { from: s, as: c, size: x2 }, publish: c]",
    "controller.create controller.snapshot fs.ext4 node offline.ext4"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [clone: { as: c }, delete, restart_driver]",
    "controller.clone controller.create fault.restart fs.ext4"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [publish, probe, { call: node_get_stats }]",
    "controller.create fs.ext4 node node.stats observe"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [{ call: controller_expand, to: max+1, expect: out_of_range }]",
    "controller.create controller.expand fs.ext4 size.maximum"
)]
#[case(
    "volume: { fs: ext4 }\nsteps: [publish, { call: controller_expand, to: x2 }, node_expand: target]",
    "controller.create controller.expand expand.online fs.ext4 node node.expand online.ext4"
)]
#[case("steps: [{ call: list_volumes }]", "controller.list")]
fn needs_follow_from_the_steps(#[case] rest: &str, #[case] needs: &str) {
    let scenario = scenario(rest);
    let skips = |name: &str| {
        let planned = plan(std::slice::from_ref(&scenario), &without(&[name]), &Options::default());
        planned[0].instance.skip.clone()
    };
    assert_eq!(skips(""), None);
    let mut found: Vec<&str> = Vec::new();
    for (name, _) in KNOWN.iter().filter(|(name, _)| *name != "expand.offline-only") {
        if let Some(reason) = skips(name) {
            assert_eq!(reason, format!("needs `{name}`: no {name}"));
            found.push(name);
        }
    }
    found.sort_unstable();
    assert_eq!(found.join(" "), needs);
}

#[test]
fn offline_only_scenarios_do_not_demand_online() {
    let offers = Offers {
        has: without(&["expand.online"])
            .has
            .into_iter()
            .chain(["expand.offline-only".into()])
            .collect(),
        ..Offers::default()
    };
    let rest = "volume: { fs: ext4 }\nrequires: [expand.offline-only]\n\
                steps: [stage, { call: controller_expand, to: x2, expect: [ok, failed_precondition] }]";
    assert_eq!(one(rest, &offers, &Options::default()).instance.skip, None);
    let rest = "volume: { fs: ext4 }\nsteps: [stage, grow: x2]";
    let skip = one(rest, &offers, &Options::default()).instance.skip.unwrap();
    assert!(skip.contains("expand.online"), "{skip}");
}

#[rstest]
#[case(&[], Some("ext4"))]
#[case(&["fs.ext4"], Some("xfs"))]
#[case(&["online.ext4", "fs.xfs"], Some("btrfs"))]
#[case(&["fs.ext4", "fs.xfs", "fs.btrfs"], Some(""))]
#[case(&["fs.ext4", "fs.xfs", "fs.btrfs", "access.mount"], None)]
fn a_volume_that_does_not_care_gets_what_works(#[case] lacks: &[&str], #[case] fs: Option<&str>) {
    let planned =
        one("volume: {}\nsteps: [publish, grow: x2]", &without(lacks), &Options::default());
    let expected = match fs {
        Some(fs) => Access::Mount { fs: fs.to_owned(), flags: Vec::new() },
        None => Access::Block,
    };
    assert_eq!((planned.instance.access, planned.instance.skip), (Some(expected), None));
}

#[rstest]
#[case("ext4", Sizes::default(), 64 * MIB)]
#[case("xfs", Sizes::default(), 320 * MIB)]
#[case("btrfs", Sizes::default(), 256 * MIB)]
#[case("block", Sizes::default(), 64 * MIB)]
#[case("ext4", Sizes::at_least(21 * MIB), 24 * MIB)]
#[case("ext4", Sizes::at_least(1), 16 * MIB)]
fn base_sizes_are_legal_on_the_target(#[case] fs: &str, #[case] sizes: Sizes, #[case] bytes: u64) {
    let options = Options { sizes, ..Options::default() };
    let rest = format!("volume: {{ fs: {fs} }}\nsteps: [delete]");
    let planned = one(&rest, &without(&[]), &options);
    assert_eq!(planned.script.volumes[0].bytes, bytes.cast_signed());
}

#[test]
fn a_target_that_is_too_small_is_a_skip() {
    let offers = Offers { maximum: 600 * MIB, ..without(&[]) };
    let rest = "volume: { fs: xfs }\nsteps: [grow: x2]";
    let skip = one(rest, &offers, &Options::default()).instance.skip.unwrap();
    assert_eq!(skip, "needs volumes of 640 MiB: the target's largest has 600 MiB");
    let odd = "volume: { fs: xfs }\nsteps: [{ call: controller_expand, to: 1099511627776, expect: out_of_range }]";
    assert_eq!(one(odd, &offers, &Options::default()).instance.skip, None);
    let odd = "volume: { fs: block }\nsteps: [{ grow: x2+1 }]";
    let offers = Offers { maximum: 128 * MIB, ..without(&[]) };
    let skip = one(odd, &offers, &Options::default()).instance.skip.unwrap();
    assert_eq!(skip, "needs volumes of 132 MiB: the target's largest has 128 MiB");
}

#[test]
fn matrix_order_and_selection() {
    let rest = "volume: {}\nmatrix: { path: [staging, target], fs: [xfs, ext4] }\n\
                labels: [slow]\nsteps: [publish, grow: { to: x2, path: \"${path}\" }]";
    let scenarios = [scenario(rest)];
    let ids = |options: Options| {
        let planned = plan(&scenarios, &without(&[]), &options);
        for (index, planned) in planned.iter().enumerate() {
            assert_eq!(planned.instance.number as usize, index);
        }
        planned.into_iter().map(|planned| planned.instance.id).collect::<Vec<_>>()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let all = words(&[
        "a/b[path=staging,fs=xfs]",
        "a/b[path=staging,fs=ext4]",
        "a/b[path=target,fs=xfs]",
        "a/b[path=target,fs=ext4]",
    ]);
    assert_eq!(ids(Options::default()), all);
    assert_eq!(
        ids(Options { focus: words(&["fs=ext4"]), ..Options::default() }),
        [&*all[1], &*all[3]]
    );
    assert_eq!(ids(Options { skip: words(&["*staging*"]), ..Options::default() }), all[2..]);
    assert_eq!(
        ids(Options { labels: vec!["slow && !fast".parse().unwrap()], ..Options::default() }),
        all
    );
    assert!(
        ids(Options { labels: vec!["fast".parse().unwrap()], ..Options::default() }).is_empty()
    );
}

#[test]
fn seeds_are_of_the_instance_not_of_its_place() {
    let scenarios = embedded().unwrap();
    let offers = without(&[]);
    let all = plan(&scenarios, &offers, &Options { seed: 7, ..Options::default() });
    let focus = vec!["online-grow".to_owned()];
    let few = plan(&scenarios, &offers, &Options { seed: 7, focus, ..Options::default() });
    let other = plan(&scenarios, &offers, &Options { seed: 8, ..Options::default() });
    for planned in &few {
        let same = all.iter().find(|other| other.instance.id == planned.instance.id).unwrap();
        assert_eq!(same.seed, planned.seed);
        assert_eq!(same.script, planned.script);
    }
    assert!(all.iter().zip(&other).all(|(a, b)| a.seed != b.seed));
    assert_eq!(all, plan(&scenarios, &offers, &Options { seed: 7, ..Options::default() }));
}

#[test]
fn suites_are_whole_folders() {
    let scenarios = embedded().unwrap();
    let of = |suites: &[&str]| {
        let suites = suites.iter().map(ToString::to_string).collect();
        selected(&scenarios, &Options { suites, ..Options::default() })
    };
    let growths = of(&["expansion"]);
    assert!(growths.len() > 20);
    assert!(growths.iter().all(|instance| instance.id.starts_with("expansion/")));
    assert!(of(&["expan"]).is_empty());
    assert_eq!(of(&["expansion", "lifecycle"]).len(), growths.len() + of(&["lifecycle"]).len());
}

#[rstest]
#[case("slice")]
#[case("hash")]
fn the_parts_of_a_plan_are_the_plan(#[case] kind: &str) {
    let scenarios = embedded().unwrap();
    let skip = vec!["readonly".to_owned()];
    let whole = Options { skip, ..Options::default() };
    let mut ids: Vec<String> = Vec::new();
    for part in 1..=3 {
        let partition = Some(format!("{kind}:{part}/3").parse().unwrap());
        let part = selected(&scenarios, &Options { partition, ..whole.clone() });
        assert!(part.iter().enumerate().all(|(at, instance)| instance.number == at as u32));
        ids.extend(part.into_iter().map(|instance| instance.id));
    }
    let mut all: Vec<String> =
        selected(&scenarios, &whole).into_iter().map(|instance| instance.id).collect();
    all.sort();
    ids.sort();
    assert_eq!(ids, all);
}

#[test]
fn what_a_growth_may_cost_is_in_the_plan() {
    let rest = "volume: {}\nmatrix: { dip: [30, 5] }\n\
                slo: { dip: \"${dip}%\", stall: 2s }\nscale: { data: one in 1000 }\nsteps: [publish]";
    let planned = plan(&[scenario(rest)], &without(&[]), &Options::default());
    let slos: Vec<_> = planned.iter().filter_map(|one| one.instance.slo).collect();
    let dips: Vec<_> = slos.iter().map(|slo| slo.dip_percent).collect();
    assert_eq!(dips, [Some(30), Some(5)]);
    assert_eq!(slos[0].stall_ms, Some(2_000));
    let scale = planned[0].instance.scale.as_ref().unwrap();
    assert_eq!((scale.data.as_deref(), &scale.time), (Some("one in 1000"), &None));
}

/// The size is the command line's: the scenario is right, and says what it needs.
#[test]
fn a_database_without_room_for_its_log_is_a_skip() {
    let skip = |mebibytes: u64| {
        let options = Options { sizes: Sizes::at_least(mebibytes * MIB), ..Options::default() };
        let steps = "volume: { fs: block }\nsteps: [publish, start_database, stop_database]";
        one(steps, &without(&[]), &options).instance.skip
    };
    let why = skip(16).unwrap();
    assert!(why.contains("needs a block volume of 40 MiB"), "{why}");
    assert_eq!(skip(40), None);
}
