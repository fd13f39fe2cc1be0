//! Writes the test fixtures as finished reports, to look at while changing a template:
//! `cargo run -p csi-stretch-reports --example gallery -- FOLDER`.

use std::{path::PathBuf, process::ExitCode};

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: gallery FOLDER");
        return ExitCode::from(2);
    };
    let reports = [
        ("rich", fixture::rich()),
        ("clean", fixture::clean()),
        ("workload", fixture::workload()),
        ("workload-in-short", fixture::workload_in_short()),
        ("known", fixture::known()),
        ("hostile", fixture::hostile()),
        ("large", fixture::large(500)),
        ("typical", fixture::large(60)),
    ];
    for (name, report) in reports {
        let folder = folder.join(name);
        if let Err(error) = csi_stretch_reports::write_all(&report, &folder) {
            eprintln!("{error}");
            return ExitCode::from(5);
        }
        println!("{}", folder.display());
    }
    ExitCode::SUCCESS
}
