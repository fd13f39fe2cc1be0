//! The methods of every dialect, and the words by which people name one.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Args as _, Command};
use csi_stretch_proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MethodDescriptor};

use super::{args, fields};
use crate::cli::outcome::Failure;

/// The packages of the dialects, in the order in which a short name is looked up.
const PACKAGES: &[&str] = &["csi.v1", "csi.v0", "csi_stretch.control.v1"];

/// csc's short words for a service.
const SERVICES: &[(&str, &[&str])] =
    &[("identity", &["i", "ident"]), ("controller", &["c"]), ("node", &["n"])];

/// csc's words for a method, where they do not follow from its name.
const VERBS: &[(&str, &[&str])] = &[
    ("GetPluginInfo", &["info"]),
    ("GetPluginCapabilities", &["caps"]),
    ("CreateVolume", &["c", "n", "new"]),
    ("DeleteVolume", &["d", "rm", "del"]),
    ("ControllerPublishVolume", &["attach"]),
    ("ControllerUnpublishVolume", &["detach"]),
    ("ValidateVolumeCapabilities", &["validate"]),
    ("ListVolumes", &["ls", "list", "volumes"]),
    ("CreateSnapshot", &["s", "snap"]),
    ("DeleteSnapshot", &["ds", "delsnap"]),
    ("ListSnapshots", &["sl", "snap-list", "snapshots"]),
    ("ControllerExpandVolume", &["exp"]),
    ("NodePublishVolume", &["mnt", "mount"]),
    ("NodeUnpublishVolume", &["umount", "unmount"]),
    ("NodeGetVolumeStats", &["stats"]),
    ("NodeExpandVolume", &["exp"]),
];

/// How a method was named, which decides how its answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `csi.v1.Controller/CreateVolume` or `CreateVolume`.
    Name,
    /// `controller create`.
    Csc,
}

/// A method.
#[derive(Clone, Debug)]
pub struct Method(pub MethodDescriptor);

/// What a line names.
pub struct Found {
    pub method: Method,
    pub spelling: Spelling,
    /// How many words it took.
    pub words: usize,
}

/// All methods, those of the first package first.
pub struct Methods(Vec<Method>);

impl Methods {
    pub fn load() -> Result<Self, Failure> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Failure::internal)?;
        let of = |package: &str| {
            let services = pool.services().filter(|service| service.package_name() == package);
            let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
            methods.map(Method).collect::<Vec<_>>()
        };
        Ok(Self(PACKAGES.iter().flat_map(|package| of(package)).collect()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }

    /// All of them, or a service's, with csc's words.
    pub fn listing(&self, service: Option<&str>) -> String {
        let chosen = |method: &&Method| service.is_none_or(|word| method.service_is(word));
        let mut text = String::new();
        for method in self.iter().filter(chosen) {
            let words = [method.service(), method.verb()];
            let line = words.each_ref().map(String::as_str);
            let is_meant = self.find(&line).is_ok_and(|found| found.method.0 == method.0);
            let csc = if is_meant { words.join(" ") } else { String::new() };
            let _ = writeln!(text, "{}", format!("{:58} {csc}", method.full_name()).trim_end());
        }
        text
    }

    /// The method that a line begins with.
    pub fn find(&self, words: &[&str]) -> Result<Found, Failure> {
        let first = words.first().copied().unwrap_or_default();
        if let Some(method) = self.iter().find(|method| method.is_named(first)) {
            return Ok(Found { method: method.clone(), spelling: Spelling::Name, words: 1 });
        }
        let of_service: Vec<&Method> =
            self.iter().filter(|method| method.service_is(first)).collect();
        if of_service.is_empty() {
            return Err(self.unknown(first));
        }
        let Some(verb) = words.get(1) else {
            let mut verbs: Vec<String> = Vec::new();
            for verb in of_service.iter().map(|method| method.verb()) {
                if !verbs.contains(&verb) {
                    verbs.push(verb);
                }
            }
            let message = format!("`{first}` needs one of its methods: {}", verbs.join(", "));
            return Err(Failure::usage(message));
        };
        let means = |method: &&&Method| method.verbs().iter().any(|known| known == verb);
        if let Some(method) = of_service.iter().find(means) {
            let method = (*method).clone();
            return Ok(Found { method, spelling: Spelling::Csc, words: 2 });
        }
        let verbs = of_service.iter().flat_map(|method| method.verbs());
        Err(Failure::usage(format!("no method `{first} {verb}`{}", near(verb, verbs))))
    }

    fn unknown(&self, word: &str) -> Failure {
        let names = self.iter().map(|method| method.0.name().to_owned());
        let services = self.iter().map(Method::service);
        Failure::usage(format!("no method `{word}`{}", near(word, names.chain(services))))
    }
}

/// The nearest of the known words, as a question.
fn near(word: &str, known: impl Iterator<Item = String>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &word.to_lowercase());
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

impl Method {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    /// The word for its service.
    pub fn service(&self) -> String {
        kebab(self.0.parent_service().name())
    }

    fn service_is(&self, word: &str) -> bool {
        let service = self.service();
        let short = SERVICES.iter().find(|(name, _)| *name == service);
        service == word || short.is_some_and(|(_, words)| words.contains(&word))
    }

    fn is_named(&self, word: &str) -> bool {
        self.0.name().eq_ignore_ascii_case(word) || self.full_name() == word.trim_start_matches('/')
    }

    /// Its first word after the service: `plugin-info`, `expand`.
    pub fn verb(&self) -> String {
        self.verbs().pop().unwrap_or_default()
    }

    /// All words for it, the plainest one last: its name, then without the service's, without
    /// `get`, without `volume`; csc's irregular ones are in front.
    fn verbs(&self) -> Vec<String> {
        let irregular = VERBS.iter().find(|(name, _)| *name == self.0.name());
        let mut verbs: Vec<String> =
            irregular.into_iter().flat_map(|(_, words)| *words).map(ToString::to_string).collect();
        let mut verb = kebab(self.0.name());
        verbs.push(verb.clone());
        let service = self.service() + "-";
        for shorter in [
            |verb: &str, service: &str| verb.strip_prefix(service).map(str::to_owned),
            |verb: &str, _: &str| verb.strip_prefix("get-").map(str::to_owned),
            |verb: &str, _: &str| verb.strip_suffix("-volume").map(str::to_owned),
        ] {
            if let Some(shorter) = shorter(&verb, &service) {
                verbs.push(shorter.clone());
                verb = shorter;
            }
        }
        verbs
    }

    /// Whether its request has a field at all.
    pub fn takes_anything(&self) -> bool {
        self.0.input().fields().next().is_some()
    }

    /// The field that ids or names on the line are for: `name`, or else the first one if it is a
    /// text.
    pub fn subject(&self) -> Option<FieldDescriptor> {
        let input = self.0.input();
        let first = || input.get_field(1).filter(is_text);
        input.get_field_by_name("name").or_else(first)
    }

    /// The field for a second word: the path of a volume on its node.
    pub fn path(&self) -> Option<FieldDescriptor> {
        self.0.input().get_field_by_name("volume_path")
    }

    /// The arguments after the method.
    pub fn command(&self, spelling: Spelling) -> Command {
        let usage = match spelling {
            Spelling::Name => format!("csi-stretch rpc {}", self.0.name()),
            Spelling::Csc => format!("csi-stretch {} {}", self.service(), self.verb()),
        };
        let words = Arg::new("words").action(ArgAction::Append).num_args(0..).value_name("WORDS");
        let color = Arg::new("color").long("color").hide(true);
        let paging = Arg::new("paging").long("paging").action(ArgAction::SetTrue);
        let command = Command::new(self.0.name().to_owned())
            .no_binary_name(true)
            .bin_name(usage)
            .about(format!("Calls {}.", self.full_name()))
            .after_help("Method by --describe, exit codes by `csi-stretch rpc --help`.")
            .max_term_width(100)
            .arg(words.help(self.words_help()))
            .arg(color)
            .arg(paging.help("Ask until there is no further page").hide(!self.has_pages()));
        let command = args::with_ignored(fields::with_flags(command, self));
        args::Common::augment_args_for_update(command)
    }

    fn words_help(&self) -> String {
        let json = "the request as JSON: `{…}`, `@FILE` or `-`";
        match (self.subject(), self.path()) {
            (Some(subject), Some(path)) => {
                format!("{} and {}, and {json}", subject.name(), path.name())
            }
            (Some(subject), None) => format!("{} (one call each), and {json}", subject.name()),
            _ => json.to_owned(),
        }
    }

    /// Whether it lists by pages.
    pub fn has_pages(&self) -> bool {
        self.0.input().get_field_by_name("starting_token").is_some()
            && self.0.output().get_field_by_name("next_token").is_some()
    }
}

/// A text, and only one.
fn is_text(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::String) && !field.is_list()
}

/// `ControllerExpandVolume` as `controller-expand-volume`, `RequiresFSResize` as
/// `requires-fs-resize`.
fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in letters.iter().enumerate() {
        let begins = |c: Option<&char>| c.is_some_and(|c| !c.is_ascii_uppercase());
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let starts_word = begins(before) || begins(letters.get(at + 1));
        if c.is_ascii_uppercase() && before.is_some() && starts_word {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["Probe"], "csi.v1.Identity/Probe", Spelling::Name, 1)]
    #[case(&["getplugininfo"], "csi.v1.Identity/GetPluginInfo", Spelling::Name, 1)]
    #[case(&["csi.v1.Node/NodeGetInfo", "x"], "csi.v1.Node/NodeGetInfo", Spelling::Name, 1)]
    #[case(&["/csi.v1.Node/NodeGetInfo"], "csi.v1.Node/NodeGetInfo", Spelling::Name, 1)]
    #[case(&["identity", "plugin-info"], "csi.v1.Identity/GetPluginInfo", Spelling::Csc, 2)]
    #[case(&["i", "info"], "csi.v1.Identity/GetPluginInfo", Spelling::Csc, 2)]
    #[case(&["ident", "plugin-capabilities"], "csi.v1.Identity/GetPluginCapabilities", Spelling::Csc, 2)]
    #[case(&["c", "new"], "csi.v1.Controller/CreateVolume", Spelling::Csc, 2)]
    #[case(&["controller", "create-volume"], "csi.v1.Controller/CreateVolume", Spelling::Csc, 2)]
    #[case(&["controller", "publish"], "csi.v1.Controller/ControllerPublishVolume", Spelling::Csc, 2)]
    #[case(&["controller", "get-capabilities"], "csi.v1.Controller/ControllerGetCapabilities", Spelling::Csc, 2)]
    #[case(&["controller", "capacity"], "csi.v1.Controller/GetCapacity", Spelling::Csc, 2)]
    #[case(&["controller", "snapshots"], "csi.v1.Controller/ListSnapshots", Spelling::Csc, 2)]
    #[case(&["node", "expand-volume", "id"], "csi.v1.Node/NodeExpandVolume", Spelling::Csc, 2)]
    #[case(&["n", "get-info"], "csi.v1.Node/NodeGetInfo", Spelling::Csc, 2)]
    #[case(&["node", "stats"], "csi.v1.Node/NodeGetVolumeStats", Spelling::Csc, 2)]
    #[case(&["group-controller", "capabilities"], "csi.v1.GroupController/GroupControllerGetCapabilities", Spelling::Csc, 2)]
    #[case(&["ControllerResizeVolume"], "csi.v0.Controller/ControllerResizeVolume", Spelling::Name, 1)]
    #[case(&["csi.v0.Controller/CreateVolume"], "csi.v0.Controller/CreateVolume", Spelling::Name, 1)]
    #[case(&["controller", "requires-fs-resize"], "csi.v0.Controller/RequiresFSResize", Spelling::Csc, 2)]
    #[case(&["node", "resize", "v", "/p"], "csi.v0.Node/NodeResizeVolume", Spelling::Csc, 2)]
    #[case(&["node", "id"], "csi.v0.Node/NodeGetId", Spelling::Csc, 2)]
    #[case(&["snapshot-metadata", "metadata-delta"], "csi.v1.SnapshotMetadata/GetMetadataDelta", Spelling::Csc, 2)]
    fn words_name_a_method(
        #[case] line: &[&str],
        #[case] full_name: &str,
        #[case] spelling: Spelling,
        #[case] words: usize,
    ) {
        let found = Methods::load().unwrap().find(line).unwrap();
        assert_eq!(found.method.full_name(), full_name);
        assert_eq!((found.spelling, found.words), (spelling, words));
    }

    #[rstest]
    #[case(&["ControllerExpandVolum"], "did you mean `ControllerExpandVolume`?")]
    #[case(&["nodde"], "did you mean `node`?")]
    #[case(&["node", "publisch"], "did you mean `publish`?")]
    #[case(&["identity"], "plugin-info, plugin-capabilities, probe")]
    #[case(&["c", "reezise"], "did you mean `resize`?")]
    fn what_is_none_gets_the_nearest(#[case] line: &[&str], #[case] words: &str) {
        let error = Methods::load().unwrap().find(line).err().unwrap();
        assert!(error.message.contains(words), "{error}");
    }

    #[test]
    fn no_word_means_two_methods() {
        let methods = Methods::load().unwrap();
        let mut seen = BTreeSet::new();
        for method in methods.iter() {
            for verb in method.verbs() {
                let package = method.0.parent_file().package_name().to_owned();
                assert!(seen.insert((package, method.service(), verb.clone())), "{verb}");
            }
            // Clap's own check of the arguments: no flag has two meanings.
            method.command(Spelling::Csc).debug_assert();
        }
        assert!(methods.iter().count() >= 35);
    }
}
