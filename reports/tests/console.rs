//! Console text: snapshots, colour, and what a hostile driver cannot do to a terminal.

use csi_stretch_oracle::{report::GrowthState, verdict::Verdict};
use csi_stretch_reports::console::{self, Style};

use crate::fixture;

#[test]
fn rich() {
    insta::assert_snapshot!(console::whole(&fixture::rich(), Style::PLAIN));
}

#[test]
fn clean() {
    insta::assert_snapshot!(console::whole(&fixture::clean(), Style::PLAIN));
}

#[test]
fn colour_adds_sgr_and_nothing_else() {
    let report = fixture::rich();
    let coloured = console::whole(&report, Style::new(true));
    let mut plain = String::new();
    let mut pieces = coloured.split('\x1b');
    plain += pieces.next().unwrap();
    for piece in pieces {
        let (code, text) = piece.split_once('m').expect("an SGR sequence ends with m");
        assert!(code.starts_with('[') && code[1..].chars().all(|c| c.is_ascii_digit() || c == ';'));
        plain += text;
    }
    assert_ne!(coloured, plain);
    assert_eq!(plain, console::whole(&report, Style::new(false)));
}

#[test]
fn hostile_text_controls_no_terminal() {
    let text = console::whole(&fixture::hostile(), Style::PLAIN);
    assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text}");
    assert!(!text.contains('\u{202e}'));
    assert!(text.lines().all(|line| line.len() < 10_000));
    assert!(!text.lines().any(|line| line.starts_with("##")), "{text}");
}

#[test]
fn seed_is_first_and_last() {
    let text = console::whole(&fixture::rich(), Style::PLAIN);
    assert!(text.lines().next().unwrap().contains("seed 0x5eed"));
    assert!(text.lines().last().unwrap().ends_with("seed 0x5eed"));
}

#[test]
fn one_grep_finds_each_failed_scenario_with_its_reason() {
    let report = fixture::rich();
    let lines: Vec<String> =
        report.scenarios.iter().map(|one| console::scenario(one, Style::PLAIN)).collect();
    for (scenario, line) in report.scenarios.iter().zip(&lines) {
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(line.starts_with("FAIL "), scenario.verdict == Verdict::Fail, "{line}");
        if scenario.verdict > Verdict::Pass {
            assert!(line.contains(&scenario.findings[0].clause), "{line}");
        }
    }
}

/// A green word must not hide that nothing was grown.
#[rstest::rstest]
#[case(GrowthState::Tested, "PASS  2 scenarios")]
#[case(GrowthState::NotSelected, "PASS (2 of 2 ran; growth was not selected)  2 scenarios")]
#[case(GrowthState::NotOffered, "PASS (2 of 2 ran; growth is not offered)  2 scenarios")]
#[case(GrowthState::NotTested, "PASS (2 of 2 ran; growth was not tested)  2 scenarios")]
fn the_last_line_says_whether_growth_was_tested(#[case] state: GrowthState, #[case] want: &str) {
    let mut report = fixture::clean();
    report.growth_tested.state = state;
    let line = console::summary(&report, Style::PLAIN);
    assert!(line.starts_with(want), "{line}");
}

#[test]
fn an_empty_run_says_so() {
    let mut report = fixture::clean();
    report.scenarios.clear();
    report.counts = csi_stretch_oracle::report::Counts::default();
    report.verdict = Verdict::Skip;
    report.interrupted = true;
    let line = console::summary(&report, Style::PLAIN);
    assert!(line.starts_with("SKIP  0 scenarios: nothing ran"), "{line}");
    assert!(line.contains("interrupted"), "{line}");
    assert_eq!(console::failures(&report, Style::PLAIN), "");
}
