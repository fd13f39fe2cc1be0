//! report.json: the data as it is, valid by the committed schema.

use std::{env, fs, path::PathBuf};

use csi_stretch_oracle::report::Report;
use csi_stretch_reports::{Format, render, schema};
use rstest::rstest;

use crate::fixture;

fn schema_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema/report-v1.schema.json")
}

/// `BLESS=1 cargo test` writes the file anew after a change of the report's shape.
#[test]
fn committed_schema_is_up_to_date() {
    let now = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if env::var_os("BLESS").is_some() {
        fs::write(schema_path(), &now).unwrap();
    }
    let committed = fs::read_to_string(schema_path()).unwrap_or_default();
    assert!(committed == now, "schema/report-v1.schema.json is stale; run: BLESS=1 cargo test");
}

#[rstest]
#[case::rich(fixture::rich())]
#[case::clean(fixture::clean())]
#[case::hostile(fixture::hostile())]
fn validates_and_reads_back(#[case] report: Report) {
    let text = render(&report, Format::Json).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|one| one.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let back: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(back, report, "JSON cuts and changes nothing");
}

#[test]
fn schema_refuses_what_is_no_report() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut value = serde_json::to_value(fixture::clean()).unwrap();
    assert!(validator.is_valid(&value));
    value["verdict"] = "splendid".into();
    assert!(!validator.is_valid(&value));
}

#[test]
fn clean() {
    insta::assert_snapshot!(render(&fixture::clean(), Format::Json).unwrap());
}

#[test]
fn rich_findings() {
    let value = serde_json::to_value(fixture::rich()).unwrap();
    insta::assert_json_snapshot!(value["findings"]);
}

#[test]
fn equal_reports_give_equal_bytes() {
    for format in Format::ALL {
        let render = || render(&fixture::rich(), format).unwrap();
        assert!(render() == render(), "{format}");
    }
}
