//! report.html: structure, self-containment, escaping, size, and one snapshot.

use csi_stretch_oracle::{
    history::{ObjectChange, ObjectKind, Orchestrated},
    report::Report,
    verdict::Verdict,
};
use csi_stretch_reports::{Exchanges, Format, render};
use rstest::rstest;

use crate::fixture;

fn html(report: &Report) -> String {
    render(report, Format::Html).unwrap()
}

/// Without style and script, which would drown the rest.
fn body(report: &Report) -> String {
    let text = html(report);
    let (head, rest) = text.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (main, rest) = rest.rsplit_once("<script>").unwrap();
    let (_, end) = rest.split_once("</script>").unwrap();
    format!("{head}{main}{end}")
}

#[test]
fn clean() {
    let mut report = fixture::clean();
    report.scenarios.truncate(1);
    report.growths.truncate(1);
    report.clauses.truncate(3);
    insta::assert_snapshot!(body(&report));
}

#[test]
fn has_every_section_and_all_that_was_found() {
    let report = fixture::rich();
    let text = body(&report);
    let sections = [
        "fixes",
        "comparison",
        "growths",
        "clauses",
        "scenarios",
        "skipped",
        "leaks",
        "environment",
        "words",
    ];
    for section in sections {
        assert!(text.contains(&format!("<section id=\"{section}\"")), "{section}");
        assert!(text.contains(&format!("href=\"#{section}\"")), "{section} is in the navigation");
    }
    for located in &report.findings {
        assert!(text.contains(&located.finding.what), "{}", located.finding.what);
    }
    for clause in &report.clauses {
        assert!(text.contains(&clause.paraphrase), "{}", clause.id);
    }
    for one in &report.run.host.unproven {
        assert!(text.contains(one), "{one}");
    }
    let rows = text.matches("<li data-verdict=").count();
    assert_eq!(rows, report.scenarios.len());
    let steps: usize = report.scenarios.iter().map(|one| one.steps.len()).sum();
    assert_eq!(text.matches("<dl id=\"s").count(), steps, "a small report has all of them");
}

#[test]
fn workload() {
    let text = body(&fixture::workload_in_short());
    let (_, rest) = text.split_once("<section id=\"workload\"").unwrap();
    let (section, _) = rest.split_once("<section id=\"growths\"").unwrap();
    insta::assert_snapshot!(section);
}

/// Every link within the page leads somewhere, and no id is given twice.
#[rstest]
#[case::rich(fixture::rich())]
#[case::hostile(fixture::hostile())]
#[case::large(fixture::large(120))]
#[case::larger(fixture::large(400))]
#[case::workload(fixture::workload())]
fn links_hold(#[case] report: Report) {
    let text = body(&report);
    let values = |attribute: &str| -> Vec<String> {
        let pieces = text.split(attribute).skip(1);
        pieces.map(|piece| piece.split('"').next().unwrap().to_owned()).collect()
    };
    let mut ids = values(" id=\"");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is given twice");
    for href in values("href=\"#") {
        assert!(ids.binary_search(&href).is_ok(), "#{href} leads nowhere");
    }
}

#[test]
fn loads_nothing() {
    let text = html(&fixture::rich());
    for loader in ["src=", "@import", "url(http", "<link", "<iframe", "fetch(", "XMLHttp"] {
        assert!(!text.contains(loader), "{loader}");
    }
    let outside = text.split("href=\"http").skip(1);
    for link in outside {
        assert!(link.starts_with("s://github.com/container-storage-interface/spec/"), "{link:.80}");
    }
}

#[test]
fn a_lie_is_a_visible_gap() {
    let text = body(&fixture::rich());
    let (_, rest) = text.split_once("<table class=\"ledger marked\">").unwrap();
    let (marked, rest) = rest.split_once("</table>").unwrap();
    let lane = marked.split("<tr").find(|row| row.contains("64 MiB short")).unwrap();
    assert!(lane.contains("file system is") && lane.contains("67,108,864 bytes, before"));
    // From half of the request (48 % of the width) to the request (96 %).
    assert!(lane.contains("<rect class=\"gap\" x=\"48.00%\" width=\"48.00%\""), "{lane}");
    let (plain, _) = rest.split_once("</table>").unwrap();
    let at_64 = plain.contains("<rect class=\"gap\" x=\"48.00%\"");
    assert!(!at_64, "what grew as asked has no gap");
}

#[test]
fn a_refusal_promises_nothing_and_has_no_gap() {
    let report = fixture::rich();
    let text = body(&report);
    let (_, row) =
        text.split_once("expansion/beyond-maximum</a> <span class=\"minor\">vol").unwrap();
    let (row, _) = row.split_once("</tbody>").unwrap();
    assert!(row.contains("INTERNAL") && row.contains("not measured"), "{row}");
    assert!(!row.contains("class=\"gap\""), "{row}");
}

#[test]
fn hostile_words_stay_words() {
    let report = fixture::hostile();
    let text = html(&report);
    assert_eq!(text.matches("<script").count(), 1, "only our own");
    assert_eq!(text.matches("</script>").count(), 1);
    assert!(!text.contains("<img") && text.contains("&#60;img") || text.contains("&lt;img"));
    let foreign = |char: char| char.is_control() && char != '\n';
    assert!(!text.contains(foreign), "control characters");
    assert!(!text.contains(['\u{202e}', '\u{2066}']), "direction marks");
    assert!(text.contains("[U+202E]gpj"));
    assert!(text.contains("[cut: 1,048,576 bytes in all, the rest is in report.json]"));
    assert!(text.len() < 400 << 10, "{} bytes", text.len());
}

#[test]
fn quotes_do_not_end_an_attribute() {
    let mut report = fixture::clean();
    report.run.target.name = "\" onload=\"alert(1)".into();
    report.growths[0].scenario = "\"><u>".into();
    report.scenarios[0].id = "x' onclick='y".into();
    let text = body(&report);
    for active in ["\" onload=", "\"><u>", "' onclick="] {
        assert!(!text.contains(active), "{active}");
    }
}

#[rstest]
#[case(60, 500 << 10)]
#[case(500, 1 << 20)]
fn size_is_kept_in_check(#[case] scenarios: usize, #[case] bytes: usize) {
    let report = fixture::large(scenarios);
    let steps: usize = report.scenarios.iter().map(|one| one.steps.len()).sum();
    let size = html(&report).len();
    println!("{scenarios} scenarios, {steps} steps: {size} bytes");
    assert!(size < bytes, "{scenarios} scenarios, {steps} steps: {size} bytes");
}

#[rstest]
#[case(Verdict::Pass, "Nothing that ran was wrong.")]
#[case(Verdict::Skip, "Nothing was run")]
#[case(Verdict::Inconclusive, "proves nothing")]
#[case(Verdict::Fail, "does not conform")]
#[case(Verdict::Error, "harness or the lab broke")]
fn the_head_says_the_verdict_in_words(#[case] verdict: Verdict, #[case] words: &str) {
    let report = Report { verdict, interrupted: true, ..fixture::clean() };
    let text = body(&report);
    let (_, head) = text.split_once("<h1>").unwrap();
    let (head, _) = head.split_once("</header>").unwrap();
    assert!(head.contains(verdict.name()) && head.contains(words), "{head}");
    assert!(head.contains("cut short"), "{head}");
}

/// What is left out is told in short, and can be had.
#[test]
fn a_large_run_holds_the_exchanges_of_what_failed() {
    let report = fixture::large(400);
    let text = body(&report);
    let worst = report.findings.iter().find(|one| !one.scenario.is_empty()).unwrap();
    let at = report.scenarios.iter().position(|one| one.id == worst.scenario).unwrap();
    assert!(text.contains(&format!("<dl id=\"s{at}-0\"")), "the worst is there in full");
    let good = report.scenarios.iter().rposition(|one| one.findings.is_empty()).unwrap();
    let (_, rest) = text.split_once(&format!("id=\"s{good}\"")).unwrap();
    let (short, _) = rest.split_once("</details>").unwrap();
    assert!(short.contains("<ol class=\"brief\">"), "{short}");
    let whole = csi_stretch_reports::html(&report, Exchanges::All).unwrap();
    let steps: usize = report.scenarios.iter().map(|one| one.steps.len()).sum();
    assert_eq!(whole.matches("<dl id=\"s").count(), steps);
    assert!(!whole.contains("--exchanges all"), "nothing is left out");
}

#[test]
fn a_promise_that_is_not_kept_is_a_gap_in_the_chart() {
    let text = body(&fixture::workload());
    let (_, rest) = text.split_once("id=\"w2\"").unwrap();
    let (sizes, _) = rest.split_once("</figure>").unwrap();
    assert_eq!(sizes.matches("<rect class=\"missing\" x=").count(), 1);
    assert!(sizes.contains("100 GiB missing from 2:02 on, for 58 s, to the end"));
    assert!(sizes.contains("402,118 rows acknowledged"));
    assert!(sizes.contains("page 812, offset 13,303,808 bytes: zeros"));
    let (_, rest) = text.split_once("id=\"w0\"").unwrap();
    let (sizes, _) = rest.split_once("</figure>").unwrap();
    assert!(!sizes.contains("class=\"missing\""), "a growth under way is no broken promise");
}

#[test]
fn what_a_growth_cost_stands_beside_its_noise() {
    let text = body(&fixture::workload());
    assert!(text.contains("7,000 ms <span class=\"minor\">bulk load; noise 250 ms</span>"));
    let (_, ledger) = text.split_once("<section id=\"growths\"").unwrap();
    assert!(ledger.contains("stall 7,000 ms (bulk load; noise 250 ms)"));
    assert!(!body(&fixture::clean()).contains("noise"), "no workload, no cost");
}

#[test]
fn a_workload_is_told_in_its_own_words() {
    let text = body(&fixture::workload());
    for word in ["dip", "stall", "noise"] {
        assert!(text.contains(&format!("<dt>{word}</dt>")), "{word}");
    }
    assert!(text.contains("An operation of the bulk load is a commit of 16 rows"));
    let (_, rest) = text.split_once("id=\"w1\"").unwrap();
    let (figure, _) = rest.split_once("</figure>").unwrap();
    // Each scale stands on its own axis.
    let (_, data) = figure.split_once("<div class=\"row data\">").unwrap();
    let (data, rest) = data.split_once("<div class=\"row room\">").unwrap();
    assert!(data.contains("<text class=\"scaled\"") && data.contains(">one byte in 1,000"));
    let (_, axis) = rest.split_once("<div class=\"row axis\">").unwrap();
    assert!(axis.contains("<span class=\"scaled\">2 minutes stand for 20</span>"));
    // A hole says what it is, in the chart and below it.
    assert!(figure.contains("<rect class=\"happened ended\" x="));
    assert!(figure.contains("<rect class=\"happened recovering\" x="));
    assert!(figure.contains("the engine was killed, and did not run for 8.0 s"));
    assert!(figure.contains("Integrity of copy</span> 1,204,331 rows acknowledged"));
}

#[test]
fn objects_stand_beside_the_calls() {
    let mut report = fixture::clean();
    let one = &mut report.scenarios[0];
    assert!(!body(&fixture::clean()).contains("class=\"objects\""));
    one.orchestrator = Some(Orchestrated { profile: "current".into(), pace: 2000 });
    let change = |at_us, kind, row: &str| ObjectChange {
        at_us,
        clock_us: 60_000_000,
        kind,
        name: "vol".into(),
        row: row.into(),
        notes: vec!["requests 96Mi".into(), "<b>Resizing</b>".into()],
    };
    one.objects = vec![
        change(0, ObjectKind::Claim, "vol   Bound   pvc-1   64Mi"),
        change(u64::MAX, ObjectKind::Event, "Normal  Resizing"),
    ];
    let text = body(&report);
    let (_, table) = text.split_once("class=\"objects\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert!(table.contains("Kubernetes current, its clock 2000 times"));
    assert!(table.contains("60 000 ms") || table.contains("60,000 ms"), "{table}");
    assert!(table.contains("&#60;b&#62;Resizing"), "what a driver says is escaped: {table}");
    let (claim, call, event) = (
        table.find("vol   Bound").unwrap(),
        table.find("CreateVolume").unwrap(),
        table.find("Normal  Resizing").unwrap(),
    );
    assert!(claim < call && call < event, "in order of time");
}
