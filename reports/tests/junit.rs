//! junit.xml: valid by our own schema, and each verdict where a CI system looks for it.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use csi_stretch_oracle::report::Report;
use csi_stretch_reports::{Format, render};
use rstest::rstest;

use crate::{fixture, junit_rules::breaches};

fn junit(report: &Report) -> String {
    render(report, Format::Junit).unwrap()
}

#[test]
fn rich() {
    insta::assert_snapshot!(junit(&fixture::rich()));
}

#[test]
fn clean() {
    insta::assert_snapshot!(junit(&fixture::clean()));
}

/// `None`: there is no xmllint here.
fn xmllint(text: &str) -> Option<(bool, String)> {
    let schema = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema/junit.xsd");
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([schema.as_os_str(), "-".as_ref()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[rstest]
#[case::rich(fixture::rich())]
#[case::clean(fixture::clean())]
#[case::known(fixture::known())]
#[case::hostile(Report { run: fixture::rich().run, ..fixture::hostile() })]
#[case::large(fixture::large(500))]
fn is_valid_by_our_schema(#[case] report: Report) {
    match xmllint(&junit(&report)) {
        Some((valid, words)) => assert!(valid, "{words}"),
        None => println!("skipped: needs xmllint (Debian: libxml2-utils)"),
    }
}

#[rstest]
#[case::rich(fixture::rich())]
#[case::clean(fixture::clean())]
#[case::known(fixture::known())]
#[case::large(fixture::large(500))]
fn is_what_every_reader_takes(#[case] report: Report) {
    assert_eq!(breaches(&junit(&report)), Vec::<String>::new());
}

/// It gives two scenarios one name, which no plan does; the rest must hold.
#[test]
fn no_drivers_words_break_the_rules() {
    let report = Report { run: fixture::rich().run, ..fixture::hostile() };
    let wrong = breaches(&junit(&report));
    assert!(wrong.iter().all(|one| one.contains("not unique")), "{wrong:?}");
}

#[rstest]
#[case::no_type("type=\"inconclusive\"", "kind=\"inconclusive\"", "no `type`")]
#[case::no_reason("<skipped message=", "<skipped reason=", "no `message`")]
#[case::wrong_sum("failures=\"5\"", "failures=\"4\"", "other than")]
#[case::minutes("time=\"0.", "time=\"00:0.", "has `time=")]
#[case::unknown("<properties>", "<props>", "no XML")]
#[case::green("<failure ", "<problem ", "no XML")]
#[case::cut("</testsuites>", "", "no")]
#[case::foreign("<testcase name", "<testcase status=\"failed\" name", "unknown `status`")]
fn the_rules_refuse_what_is_wrong(#[case] from: &str, #[case] to: &str, #[case] words: &str) {
    let text = junit(&fixture::rich());
    assert!(text.contains(from), "{from}");
    let found = breaches(&text.replacen(from, to, 1)).join("\n");
    assert!(found.contains(words), "{to}: {found}");
}

#[test]
fn our_schema_refuses_what_is_wrong() {
    let text = junit(&fixture::rich());
    for (from, to) in [
        ("<skipped message=", "<skipped reason="),
        ("failures=\"5\"", "failures=\"five\""),
        ("<properties>", "<props>"),
    ] {
        assert!(text.contains(from));
        match xmllint(&text.replacen(from, to, 1)) {
            Some((valid, _)) => assert!(!valid, "{to} was accepted"),
            None => println!("skipped: needs xmllint (Debian: libxml2-utils)"),
        }
    }
}

#[test]
fn nothing_inconclusive_is_green_and_no_lab_fault_is_a_failure() {
    let text = junit(&fixture::rich());
    let case = |id: &str| {
        let from = text.find(&format!("<testcase name=\"{id}\"")).unwrap();
        text[from..].split("<testcase ").nth(1).unwrap().to_owned()
    };
    assert!(case("faults/retry-after-deadline").contains("type=\"inconclusive\""));
    assert!(case("workload/full-then-grow[fs=xfs]").contains("type=\"lab\""));
    assert!(case("expansion/beyond-maximum").contains("<failure "));
    assert!(case("expansion/controller-same-size[fs=xfs]").contains("<system-out>advice: "));
    assert!(text.contains("skipped=\"4\" failures=\"5\" errors=\"2\""), "{}", &text[..300]);
}
