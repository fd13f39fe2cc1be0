//! summary.md: snapshots, size, and nothing active out of a driver's words.

use csi_stretch_reports::{Format, render};

use crate::fixture;

fn markdown(report: &csi_stretch_oracle::report::Report) -> String {
    render(report, Format::Markdown).unwrap()
}

#[test]
fn rich() {
    insta::assert_snapshot!(markdown(&fixture::rich()));
}

#[test]
fn clean() {
    insta::assert_snapshot!(markdown(&fixture::clean()));
}

#[test]
fn stays_far_below_what_ci_systems_take() {
    assert!(markdown(&fixture::large(500)).len() < 64 << 10);
    assert!(markdown(&fixture::hostile()).len() < 64 << 10);
}

#[test]
fn hostile_words_stay_words() {
    let text = markdown(&fixture::hostile());
    // Code blocks show everything as it is, so they are not looked at.
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|char| *char == '`').collect();
        match &fence {
            Some(open) if line == open => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            Some(_) => {}
            None => {
                for active in ["<script", "<img", "![x](", "@team", "https://evil"] {
                    assert!(!line.contains(active), "{active} in {line}");
                }
                assert!(!line.starts_with("## not"), "{line}");
            }
        }
    }
    assert!(fence.is_none(), "a fence stays open");
}
