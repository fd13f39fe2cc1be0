//! What a user sees for each kind of mistake. The snapshots are the documentation.

use crate::scenario::{is_clause, load};

const HEAD: &str = "about: x\nclauses: [controller-expand.purpose]\n";
const VOLUME: &str = "about: x\nclauses: [controller-expand.purpose]\nvolume: { fs: ext4 }\n";

/// Without the source of the table, which says nothing more.
macro_rules! shot {
    ($text:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($text) })
    };
}

/// The message for a file, without the path.
fn mistake(text: &str) -> String {
    match load("scenarios/x/y.yaml", text, &is_clause) {
        Ok(_) => panic!("this loads:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// One table of mistakes: name, text of the file.
fn table(mistakes: &[(&str, String)]) -> String {
    let rows = mistakes.iter().map(|(name, text)| format!("# {name}\n{}\n", mistake(text)));
    rows.collect::<Vec<_>>().join("\n")
}

fn steps(steps: &str) -> String {
    format!("{VOLUME}steps:\n{steps}\n")
}

#[test]
fn words() {
    shot!(table(&[
        ("key of a step", steps("  - call: controller_expand\n    to: x2\n    expct: ok")),
        ("key of the file", format!("{HEAD}volum: {{}}\nsteps: [publish]\n")),
        ("key of a verb", steps("  - grow: { too: x2 }")),
        ("key of a volume", format!("{HEAD}volume: {{ fstype: ext4 }}\nsteps: [publish]\n")),
        ("key of expect", steps("  - { grow: x2, expect: { pass: ok, warm: internal } }")),
        ("key of with", steps("  - grow: x2\n  - { again: node_expand, with: { tp: 1 } }")),
        ("verb alone", steps("  - publsh")),
        ("verb with an argument", steps("  - grwo: x2")),
        ("verb that needs an argument", steps("  - grow")),
        ("clause", "about: x\nclauses: [controller-expand.purpos]\nsteps: [publish]\n".to_owned()),
        ("clause of a step", steps("  - { grow: x2, clause: node-expand.data-kep }")),
        ("offer", format!("{VOLUME}requires: [controller.expnd]\nsteps: [publish]\n")),
        ("code", steps("  - { call: controller_expand, to: x2, expect: out_of_rang }")),
        ("code in capitals", steps("  - { grow: x2, expect: [ok, OUT_OF_RANGE] }")),
        ("rpc", steps("  - call: controler_expand")),
        ("rpc by its full name", steps("  - call: ControllerExpandVolume")),
        ("rpc of again", steps("  - publish\n  - again: node_publis")),
        (
            "axis",
            format!("{VOLUME}matrix: {{ path: [staging] }}\nsteps:\n  - node_expand: ${{pth}}\n")
        ),
        (
            "volume",
            format!("{HEAD}volumes: {{ grown: {{}}, other: {{}} }}\nsteps:\n  - publish: grwon\n")
        ),
        ("handle of a raw call", steps("  - { call: delete_volume, volume: vl }")),
        ("snapshot", steps("  - snapshot: snap\n  - restore: { from: snp, as: copy }")),
        ("file system", format!("{HEAD}volume: {{ fs: etx4 }}\nsteps: [publish]\n")),
        (
            "file system in the matrix",
            format!("{HEAD}volume: {{}}\nmatrix: {{ fs: [xfs, brtfs] }}\nsteps: [publish]\n")
        ),
        ("place", steps("  - publish\n  - write: { bytes: 1MiB, place: edn }")),
        (
            "access mode",
            format!("{HEAD}volume: {{ mode: single_node_writter }}\nsteps: [publish]\n")
        ),
        ("field to omit", steps("  - publish\n  - node_expand: { omit: staging-pat }")),
        ("nothing near", steps("  - { grow: x2, frobnicate: 1 }")),
    ]));
}

#[test]
fn values() {
    shot!(table(&[
        ("size", steps("  - grow: 100MB")),
        ("path", steps("  - publish\n  - node_expand: stagging")),
        ("duration", steps("  - wait: 5")),
        ("amount", steps("  - publish\n  - write: -1")),
        ("flag", steps("  - publish: { readonly: yes }")),
        ("handle", steps("  - clone: { as: My Copy }")),
        ("percentage", format!("{VOLUME}slo: {{ dip: 0.3 }}\nsteps: [publish]\n")),
        ("percentage of nothing", format!("{VOLUME}slo: {{ dip: 0% }}\nsteps: [publish]\n")),
        ("stall without a unit", format!("{VOLUME}slo: {{ stall: 500 }}\nsteps: [publish]\n")),
        ("list for a word", steps("  - grow: [x2]")),
        (
            "word for a list",
            "about: x\nclauses: controller-expand.purpose\nsteps: [publish]\n".to_owned()
        ),
        ("map for a word", steps("  - wait: { ms: 1 }")),
        ("number for the steps", format!("{VOLUME}steps: 3\n")),
        ("null", format!("{VOLUME}steps:\n")),
        ("matrix value", format!("{VOLUME}matrix: {{ path: [\"a=b\"] }}\nsteps: [publish]\n")),
        ("engine", steps("  - publish\n  - start_database: postgres")),
        ("trigger", steps("  - publish\n  - start_database\n  - await: 100%")),
        ("size of a row", steps("  - publish\n  - start_database: { row: 1MiB }")),
        ("open substitution", steps("  - node_expand: \"${path\"")),
    ]));
}

#[test]
fn sense() {
    shot!(table(&[
        ("two verbs", steps("  - grow: x2\n    publish:")),
        ("no verb", steps("  - expect: ok")),
        ("no database", steps("  - publish\n  - await: full")),
        (
            "database read-only",
            steps("  - publish: { readonly: true }\n  - start_database\n  - stop_database")
        ),
        (
            "database without room",
            format!(
                "{HEAD}volume: {{ fs: block, size: 16MiB }}\nsteps:\n  - publish\n  - start_database\n"
            )
        ),
        ("scale of nothing", format!("{VOLUME}scale: {{}}\nsteps: [publish]\n")),
        ("unpublish beside a database", steps("  - publish\n  - start_database\n  - unpublish")),
        (
            "writes under a database",
            format!(
                "{HEAD}volume: {{ fs: block }}\nsteps:\n  - publish\n  - start_database\n  - write: 1MiB\n"
            )
        ),
        (
            "another database",
            steps(
                "  - publish\n  - start_database\n  - stop_database\n  - start_database: mariadb"
            )
        ),
        ("no load", steps("  - publish\n  - start_database: { bulk: 0, queries: 0 }")),
        ("field beside a verb", steps("  - grow: x2\n    limit: x3")),
        ("field beside again", steps("  - grow: x2\n  - { again: controller_expand, to: x3 }")),
        (
            "two changes",
            steps("  - grow: x2\n  - { again: controller_expand, with: { to: x1, limit: x1 } }")
        ),
        (
            "with and without",
            steps(
                "  - grow: x2\n  - { again: controller_expand, with: { to: x1 }, without: volume }"
            )
        ),
        ("with beside call", steps("  - { call: controller_expand, with: { to: x1 } }")),
        ("again of nothing", steps("  - again: node_expand")),
        ("growth to nowhere", steps("  - call: controller_expand")),
        ("write before publish", steps("  - write: 1MiB")),
        ("probe before publish", steps("  - probe")),
        ("node step before publish", steps("  - node_expand")),
        ("indented too far", steps("  - publish\n    - write: 1MiB")),
        ("a step as text", steps("  - publish\n    - verify\n    - probe")),
        ("a verb of another tool", steps("  - defragment")),
        ("a verb that is near one with an argument", steps("  - grwo")),
        ("writer never stopped", steps("  - publish\n  - start_writer")),
        ("writer never started", steps("  - publish\n  - stop_writer")),
        (
            "restart under a writer",
            steps("  - publish\n  - start_writer\n  - restart_pod\n  - stop_writer")
        ),
        ("unpublish twice", steps("  - publish\n  - unpublish\n  - unpublish")),
        ("delete in use", steps("  - publish\n  - delete")),
        ("grow after delete", steps("  - delete\n  - grow: x2")),
        ("created twice", steps("  - create")),
        ("not created", format!("{HEAD}volume: {{ create: false }}\nsteps: [publish]\n")),
        (
            "raw call before create",
            format!("{HEAD}volume: {{ create: false }}\nsteps:\n  - call: delete_volume\n")
        ),
        ("no volume", format!("{HEAD}steps: [publish]\n")),
        ("which volume", format!("{HEAD}volumes: {{ a: {{}}, b: {{}} }}\nsteps: [publish]\n")),
        ("volume and volumes", format!("{VOLUME}volumes: {{ a: {{}} }}\nsteps: [publish]\n")),
        (
            "block with a file system",
            format!("{HEAD}volume: {{ fs: xfs, access: block }}\nsteps: [publish]\n")
        ),
        ("handle taken", steps("  - clone: { as: vol }")),
        (
            "axis without use",
            format!("{VOLUME}matrix: {{ size: [1], speed: [2] }}\nsteps: [publish]\n")
        ),
        ("axis without values", format!("{VOLUME}matrix: {{ fs: [] }}\nsteps: [publish]\n")),
        ("slo of nothing", format!("{VOLUME}slo: {{}}\nsteps: [publish]\n")),
        ("slo of another word", format!("{VOLUME}slo: {{ dipp: 3% }}\nsteps: [publish]\n")),
        ("no steps", format!("{VOLUME}steps: []\n")),
        ("no clause", "about: x\nclauses: []\nsteps: [publish]\n".to_owned()),
        ("key missing", "about: x\nsteps: [publish]\n".to_owned()),
        ("key twice", format!("{VOLUME}steps: [publish]\nabout: y\n")),
    ]));
}

#[test]
fn files() {
    let long = format!("{VOLUME}steps: [publish]\n# {}\n", "x".repeat(10_000_000));
    let wide = format!("{VOLUME}matrix: {{ fs: [{}] }}\nsteps: [publish]\n", "xfs, ".repeat(300));
    let deep = format!("{VOLUME}steps: {}{}\n", "[".repeat(200), "]".repeat(200));
    shot!(table(&[
        ("empty", String::new()),
        ("comments only", "# nothing\n\n".to_owned()),
        ("null document", "---\n".to_owned()),
        ("not a map", "- publish\n".to_owned()),
        ("two documents", format!("{VOLUME}steps: [publish]\n---\nabout: y\n")),
        ("anchor", format!("{HEAD}volume: &v {{}}\nsteps: [publish]\n")),
        ("alias", format!("{HEAD}volume: {{}}\nsteps: [*v]\n")),
        ("merge key", format!("{VOLUME}steps:\n  - <<: {{ grow: x2 }}\n")),
        ("bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n".to_owned()),
        ("tag", format!("{VOLUME}steps: !!binary aGk=\n")),
        ("tab", format!("{VOLUME}steps:\n\t- publish\n")),
        ("quote", format!("{VOLUME}steps: [\"publish]\n")),
        ("bracket", format!("{VOLUME}steps: [publish\n")),
        ("too deep", deep),
        ("too long", long),
        ("too many combinations", wide),
        ("control character", format!("{VOLUME}steps: [pub\u{7}lish]\n")),
    ]));
}

#[test]
fn orchestrator() {
    let driven = |steps: &str| {
        format!("{HEAD}orchestrator: {{}}\nvolume: {{ fs: ext4 }}\nsteps:\n{steps}\n")
    };
    let pace = |pace: &str| {
        format!("{HEAD}orchestrator: {{ pace: {pace} }}\nvolume: {{}}\nsteps: [start_pod]\n")
    };
    shot!(table(&[
        ("object verb in a script", steps("  - start_pod")),
        ("script verb", driven("  - publish")),
        (
            "profile",
            format!(
                "{HEAD}orchestrator: {{ profile: '1.25' }}\nvolume: {{}}\nsteps: [start_pod]\n"
            )
        ),
        ("pace", pace("0")),
        ("state", driven("  - until: grwn")),
        ("nothing to wait for", driven("  - until: {}")),
        ("component", driven("  - restart: scheduler")),
        ("request of nothing", driven("  - request: {}")),
        ("request of less than nothing", driven("  - request: -1")),
        ("pod that is not there", driven("  - delete_pod")),
        ("readonly", driven("  - start_pod\n  - delete_pod: { readonly: true }")),
    ]));
}
