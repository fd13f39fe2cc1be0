//! GitHub's workflow commands: whole lines, escaped, and never more than are shown.

use csi_stretch_oracle::report::Report;
use csi_stretch_reports::annotations;

use crate::fixture;

fn lines(report: &Report, file: Option<&str>) -> Vec<String> {
    annotations(report, file).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn rich() {
    insta::assert_snapshot!(annotations(&fixture::rich(), Some("ci/a,b:c.yaml")).unwrap());
}

#[test]
fn what_is_known_warns() {
    let lines = lines(&fixture::known(), None);
    let known: Vec<_> = lines.iter().filter(|line| line.contains("%0Aknown: ")).collect();
    assert!(known.len() >= 2, "{lines:?}");
    assert!(known.iter().all(|line| line.starts_with("::warning title=")), "{known:?}");
    assert!(
        lines[0].starts_with("::error title=csi-stretch::the expected failure"),
        "{}",
        lines[0]
    );
}

#[test]
fn a_clean_run_says_nothing() {
    assert!(lines(&fixture::clean(), None).is_empty());
}

#[test]
fn a_drivers_words_stay_inside_their_line() {
    let mut report = fixture::hostile();
    report.findings[0].finding.what = "100%\r\n::error::mine\n::stop-commands::x".into();
    let lines = lines(&report, None);
    assert!(
        lines.iter().all(|line| line.starts_with("::error ") || line.starts_with("::warning "))
    );
    assert!(!lines.iter().any(|line| line.starts_with("::error::")));
    assert!(lines[0].contains("100%25"), "{}", lines[0]);
}

#[test]
fn the_last_of_ten_says_how_many_there_are() {
    let mut report = fixture::rich();
    let first = report.findings[0].clone();
    for number in 0..30 {
        let mut one = first.clone();
        one.finding.clause = format!("clause-{number}");
        report.findings.push(one);
    }
    let errors: Vec<String> =
        lines(&report, None).into_iter().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10);
    assert!(errors[9].contains("more: see report.html"), "{}", errors[9]);
}
