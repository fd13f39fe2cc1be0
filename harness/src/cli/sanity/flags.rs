//! Every flag of csi-sanity v5 (`csi.`), of Ginkgo v2 (`ginkgo.`, old spellings included) and what
//! older versions took of Go's own (`test.`).

/// A flag, and what becomes of it.
pub struct Flag {
    pub name: &'static str,
    pub takes: Takes,
    pub meaning: Meaning,
}

/// Whether the next word belongs to it.
#[derive(Clone, Copy)]
pub enum Takes {
    Value,
    Nothing,
}

/// What becomes of a flag.
#[derive(Clone, Copy)]
pub enum Meaning {
    /// Our option of the same meaning.
    Same(&'static str),
    /// As `Same`; the value is an address.
    Endpoint(&'static str),
    /// What it asks for is done anyway.
    Default,
    /// Nothing; what happens instead.
    Unused(&'static str),
}

use Meaning::{Default, Endpoint, Same, Unused};
use Takes::{Nothing, Value};

const fn flag(name: &'static str, takes: Takes, meaning: Meaning) -> Flag {
    Flag { name, takes, meaning }
}

const PATHS: &str =
    "paths are made and looked at directly, so run this where the node service runs";
const SPECS: &str = "csi-sanity's spec names mean nothing here; select with --focus and --skip by the ids of \
     `csi-stretch list`, and own up to known faults in a profile";
const SNAPSHOTS: &str = "snapshots are made without parameters";
const MODIFY: &str = "volumes are not modified";
const ATTACH: &str = "the limit of volumes per node is not tested";
const LIMIT: &str = "every call has a limit of its own, --deadline";
const RETRIES: &str = "nothing is tried twice: an answer that changes is a finding";
const ORDER: &str = "scenarios do not depend on their order";
const FORMATS: &str = "report.json and the other reports are in the folder of --out";
const PROGRESS: &str = "a finished scenario is a line, and a terminal has a bar";
const SIDE_BY_SIDE: &str =
    "scenarios run side by side in one process: --jobs, and --partition for several";
const INSIDE: &str = "it is about the inside of a Ginkgo suite";

pub const FLAGS: &[Flag] = &[
    flag("csi.endpoint", Value, Endpoint("--endpoint")),
    flag("csi.controllerendpoint", Value, Endpoint("--controller-endpoint")),
    flag("csi.mountdir", Value, Same("--target-dir")),
    flag("csi.stagingdir", Value, Same("--staging-dir")),
    flag("csi.secrets", Value, Same("--secrets")),
    flag("csi.testvolumeaccesstype", Value, Same("--access")),
    flag("csi.testvolumesize", Value, Same("--volume-size")),
    flag("csi.testvolumeparameters", Value, Same("--parameters")),
    flag("csi.junitfile", Value, Same("--junit")),
    flag("csi.testvolumeexpandsize", Value, Same("--expand-size")),
    flag("csi.testsnapshotparameters", Value, Unused(SNAPSHOTS)),
    flag("csi.testvolumemutableparameters", Value, Unused(MODIFY)),
    flag("csi.testnodevolumeattachlimit", Nothing, Unused(ATTACH)),
    flag("csi.createmountpathcmd", Value, Unused(PATHS)),
    flag("csi.createstagingpathcmd", Value, Unused(PATHS)),
    flag("csi.createpathcmdtimeout", Value, Unused(PATHS)),
    flag("csi.removemountpathcmd", Value, Unused(PATHS)),
    flag("csi.removestagingpathcmd", Value, Unused(PATHS)),
    flag("csi.removepathcmdtimeout", Value, Unused(PATHS)),
    flag("csi.checkpathcmd", Value, Unused(PATHS)),
    flag("csi.checkpathcmdtimeout", Value, Unused(PATHS)),
    flag("ginkgo.seed", Value, Same("--seed")),
    flag("ginkgo.label-filter", Value, Same("--label")),
    flag("ginkgo.junit-report", Value, Same("--junit")),
    flag("ginkgo.reportFile", Value, Same("--junit")),
    flag("ginkgo.fail-fast", Nothing, Same("--fail-fast")),
    flag("ginkgo.failFast", Nothing, Same("--fail-fast")),
    flag("ginkgo.dry-run", Nothing, Same("--list")),
    flag("ginkgo.dryRun", Nothing, Same("--list")),
    flag("ginkgo.succinct", Nothing, Same("--quiet")),
    flag("ginkgo.no-color", Nothing, Same("--color=never")),
    flag("ginkgo.noColor", Nothing, Same("--color=never")),
    flag("ginkgo.v", Nothing, Default),
    flag("ginkgo.vv", Nothing, Default),
    flag("ginkgo.trace", Nothing, Default),
    flag("ginkgo.progress", Nothing, Default),
    flag("ginkgo.stream", Nothing, Default),
    flag("ginkgo.show-node-events", Nothing, Default),
    flag("ginkgo.always-emit-ginkgo-writer", Nothing, Default),
    flag("ginkgo.github-output", Nothing, Default),
    flag("ginkgo.force-newlines", Nothing, Default),
    flag("ginkgo.fail-on-empty", Nothing, Default),
    flag("ginkgo.fail-on-pending", Nothing, Default),
    flag("ginkgo.failOnPending", Nothing, Default),
    flag("ginkgo.silence-skips", Nothing, Default),
    flag("ginkgo.noisyPendings", Nothing, Default),
    flag("ginkgo.noisySkippings", Nothing, Default),
    flag("ginkgo.focus", Value, Unused(SPECS)),
    flag("ginkgo.skip", Value, Unused(SPECS)),
    flag("ginkgo.focus-file", Value, Unused(SPECS)),
    flag("ginkgo.skip-file", Value, Unused(SPECS)),
    flag("ginkgo.sem-ver-filter", Value, Unused(SPECS)),
    flag("ginkgo.regexScansFilePath", Nothing, Unused(SPECS)),
    flag("ginkgo.timeout", Value, Unused(LIMIT)),
    flag("ginkgo.grace-period", Value, Unused(LIMIT)),
    flag("ginkgo.flake-attempts", Value, Unused(RETRIES)),
    flag("ginkgo.flakeAttempts", Value, Unused(RETRIES)),
    flag("ginkgo.randomize-all", Nothing, Unused(ORDER)),
    flag("ginkgo.randomizeAllSpecs", Nothing, Unused(ORDER)),
    flag("ginkgo.json-report", Value, Unused(FORMATS)),
    flag("ginkgo.gojson-report", Value, Unused(FORMATS)),
    flag("ginkgo.teamcity-report", Value, Unused(FORMATS)),
    flag("ginkgo.poll-progress-after", Value, Unused(PROGRESS)),
    flag("ginkgo.poll-progress-interval", Value, Unused(PROGRESS)),
    flag("ginkgo.slow-spec-threshold", Value, Unused(PROGRESS)),
    flag("ginkgo.slowSpecThreshold", Value, Unused(PROGRESS)),
    flag("ginkgo.notify", Nothing, Unused(PROGRESS)),
    flag("ginkgo.parallel.process", Value, Unused(SIDE_BY_SIDE)),
    flag("ginkgo.parallel.total", Value, Unused(SIDE_BY_SIDE)),
    flag("ginkgo.parallel.host", Value, Unused(SIDE_BY_SIDE)),
    flag("ginkgo.source-root", Value, Unused(INSIDE)),
    flag("ginkgo.output-interceptor-mode", Value, Unused(INSIDE)),
    flag("ginkgo.sleep-on-failure", Value, Unused(INSIDE)),
    flag("ginkgo.fd", Nothing, Unused(INSIDE)),
    flag("ginkgo.debug", Nothing, Unused(INSIDE)),
    flag("test.v", Nothing, Default),
    flag("test.timeout", Value, Unused(LIMIT)),
    flag("test.run", Value, Unused(SPECS)),
    flag("test.count", Value, Unused(RETRIES)),
    flag("test.parallel", Value, Unused(SIDE_BY_SIDE)),
];
