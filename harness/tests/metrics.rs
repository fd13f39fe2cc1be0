//! `--metrics`, read by a real Prometheus while a run goes on, and queried back.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Ended when the test ends, however it ends; a run by a signal that lets it undo what it made.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGINT);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_reads_a_run() {
    if Command::new("prometheus").arg("--version").output().is_err() {
        println!("skipped: needs prometheus");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (free_port(), free_port());
    let _prometheus = prometheus(folder.path(), ours, theirs);
    let _run = run(folder.path(), ours);
    query(theirs, "sum(csi_stretch_calls_total{code=\"OK\"}) > 3");
    query(theirs, "sum(csi_stretch_call_seconds_count) > 3");
    if is_real() {
        let device = query(theirs, "max(csi_stretch_size_bytes{source=\"device\"})");
        assert!(device >= f64::from(300 << 20), "a device of {device} bytes");
        query(theirs, "sum(csi_stretch_operations_total{load=\"bulk\"}) > 0");
    }
}

/// What the dashboard asks for is what a run tells.
#[test]
fn the_dashboard_names_only_what_there_is() {
    let dashboard = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/grafana/csi-stretch.json");
    let text = fs::read_to_string(dashboard).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    assert!(!dashboard["panels"].as_array().unwrap().is_empty());
    if !is_real() {
        println!("skipped: needs root, loop devices and mkfs.xfs for a database's figures");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _run = run(folder.path(), port);
    let page = until("figures", || scrape(port).filter(|page| page.contains("operations_total")));
    let told: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if name.starts_with("csi_stretch_") {
            assert!(told.iter().any(|told| name.starts_with(told)), "{name} is not told");
        }
    }
}

#[test]
fn an_address_that_is_taken_is_a_mistake() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = stretch(folder.path(), taken.local_addr().unwrap().port());
    let ended = command.stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{text}");
    assert!(text.contains("--metrics: cannot listen"), "{text}");
}

/// A database can run only on real volumes.
fn is_real() -> bool {
    nix::unistd::geteuid().is_root()
        && Path::new("/dev/loop-control").exists()
        && Path::new("/usr/sbin/mkfs.xfs").exists()
        && cfg!(feature = "loop")
}

fn stretch(folder: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
    command.args(["run", "--quiet", "--reference", "off", "--jobs", "1"]);
    if is_real() {
        command.args(["--scenario", "workload/mysql-quick[fs=xfs,engine=pages]"]);
    } else {
        command.args(["--tier", "memory"]);
    }
    command.args(["--metrics", &format!("127.0.0.1:{port}")]);
    command.arg("--out").arg(folder.join("out"));
    command.arg("--work-dir").arg(folder.join("work"));
    command.env_remove("CSI_ENDPOINT").env_remove("GITHUB_ACTIONS");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn run(folder: &Path, port: u16) -> Ended {
    Ended(stretch(folder, port).spawn().unwrap())
}

fn prometheus(folder: &Path, scraped: u16, listen: u16) -> Ended {
    let config = folder.join("prometheus.yml");
    let text = format!(
        "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms }}\nscrape_configs:\n\
         - job_name: csi-stretch\n  static_configs: [{{ targets: ['127.0.0.1:{scraped}'] }}]\n"
    );
    fs::write(&config, text).unwrap();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{listen}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ended(child.unwrap())
}

/// The value of an instant query, as soon as there is one.
fn query(port: u16, what: &str) -> f64 {
    let encoded: String = what
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    until(what, || {
        let answer = get(port, &format!("/api/v1/query?query={encoded}"))?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    })
}

fn scrape(port: u16) -> Option<String> {
    get(port, "/metrics")
}

/// The body of an answer; `None`: nobody answers yet, or with anything but 200.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "no answer to {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Free at this moment; what takes it meanwhile makes the test fail, not pass.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
