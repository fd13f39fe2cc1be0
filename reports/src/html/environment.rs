//! How to see it again, on what it was seen, and what the target says it can do.

use csi_stretch_oracle::{history::Target, offer::Offers, report::Report};

use crate::{text, view};

pub struct Environment<'a> {
    pub command: String,
    pub facts: Vec<(&'static str, String)>,
    pub offers: &'a Offers,
    pub has: Vec<&'a str>,
}

impl<'a> Environment<'a> {
    pub fn new(report: &'a Report) -> Self {
        let offers = &report.run.target.offers;
        Self {
            command: view::command(&report.run.command),
            facts: facts(report),
            offers,
            has: offers.has.iter().map(String::as_str).collect(),
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let offers = &run.target.offers;
    let known = |bytes: u64| match bytes {
        0 => "none known".to_owned(),
        bytes => format!("{} ({})", text::size(bytes), text::bytes(bytes.into())),
    };
    let mut facts = vec![
        ("Run", run.id.clone()),
        ("Started", run.started.clone()),
        ("csi-stretch", run.tool_version.clone()),
        ("Seed", view::seed(run.seed)),
        ("Strict", if run.strict { "yes: SHOULD counts as MUST" } else { "no" }.to_owned()),
        ("Target", target(&run.target)),
    ];
    facts.extend(run.reference.as_ref().map(|reference| ("Reference", target(reference))));
    facts.extend([
        ("Kernel", run.host.kernel.clone()),
        ("Processors", run.host.cpus.to_string()),
        ("Root", if run.host.root { "yes" } else { "no" }.to_owned()),
        ("Size granularity", known(offers.granularity)),
        ("Smallest volume", known(offers.minimum)),
        ("Largest volume", known(offers.maximum)),
    ]);
    facts
}

fn target(target: &Target) -> String {
    let Target { name, vendor_version, dialect, endpoint, .. } = target;
    format!("{name} {vendor_version}, {dialect}, at {endpoint}")
}
