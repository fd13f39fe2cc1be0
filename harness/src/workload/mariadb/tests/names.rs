//! What the server says of itself, and how it is told on.

use rstest::rstest;

use crate::workload::mariadb::{
    process::{name, recovery},
    server::last_words,
};

#[rstest]
#[case("10.11.19-MariaDB-0+deb12u1", Some("MariaDB 10.11.19 (InnoDB)"))]
#[case("11.4.2-MariaDB", Some("MariaDB 11.4.2 (InnoDB)"))]
#[case("8.0.36", None)]
#[case("", None)]
fn a_server_is_called_by_its_own_name(#[case] version: &str, #[case] want: Option<&str>) {
    assert_eq!(name(version).ok().as_deref(), want);
}

#[test]
fn a_recovery_is_told_from_a_start() {
    assert!(recovery("InnoDB: End of log at LSN=44894\n").clean);
    assert!(!recovery("InnoDB: Starting crash recovery from checkpoint LSN=44894\n").clean);
}

#[rstest]
#[case::fatal("x\n[FATAL] InnoDB: Out of disk space in rollback\nstack\n", "[FATAL]", true)]
#[case::error("[ERROR] InnoDB: corrupt\n[Note] bye\n", "[ERROR]", false)]
#[case::errno("[ERROR] preallocating 4 bytes failed with error 28\n", "[ERROR]", true)]
#[case::neither("[Note] one\n[Note] two\n", "[Note] two", false)]
#[case::nothing("", "(nothing)", false)]
fn last_words_are_the_worst(#[case] log: &str, #[case] start: &str, #[case] full: bool) {
    let (words, found) = last_words(log);
    assert!(words.starts_with(start), "{words}");
    assert_eq!(found, full);
}
