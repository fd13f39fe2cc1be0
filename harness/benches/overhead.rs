//! What the harness costs: one RPC through the interpreter (journal, deadline, observe, bindings)
//! beside the same RPC by a bare tonic client on the same socket; and a scenario's fixed cost.
//!
//! `cargo bench --bench overhead` prints divan's table, then ratios of batches that took turns in
//! one run. Ratios are the result; absolute times are this machine's.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use csi_stretch::{
    client::{
        Client,
        channel::{self, Connection, Options},
        csi_v1::CsiV1,
        secrets::Secrets,
    },
    generator::{Generator, Next, Step},
    host::Observer,
    runner::{Journal, Workers, interpreter, record::Recorder},
    workload::{Medium, worker::Ledgers},
};
use csi_stretch_oracle::{
    action::{Access, AccessMode, Action, Call, Capability, CapacityRange, Ref, Rpc},
    history::{Code, Completion, Event, Expect, Failure, Side, StepId},
};
use csi_stretch_proto::csi::v1 as csi;
use tokio::runtime::Runtime;
use tonic::transport::Channel;

const MIB: i64 = 1 << 20;
const BATCH: usize = 2_000;
const PAIRS: usize = 15;

fn main() {
    divan::main();
    let bench = Bench::start();
    let mut ratios: Vec<f64> = (0..PAIRS)
        .map(|_| {
            let bare = bench.bare(BATCH).as_secs_f64();
            bench.harness(BATCH).as_secs_f64() / bare
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "\nharness / bare tonic client, per RPC, {PAIRS} pairs of {BATCH}: min {:.3}  median {:.3}  max {:.3}  (aim: median at most 1.15)",
        ratios[0],
        ratios[PAIRS / 2],
        ratios[PAIRS - 1]
    );
    let fixed = bench.empty_scenarios(1_000) / 1_000;
    println!("a scenario's fixed cost (no call, journal in memory): {fixed:?}  (aim: under 1 ms)");
}

#[divan::bench(sample_count = 10)]
fn bare_tonic_client(bencher: divan::Bencher<'_, '_>) {
    let bench = Bench::start();
    bencher.bench_local(|| bench.bare(100));
}

#[divan::bench(sample_count = 10)]
fn through_the_interpreter(bencher: divan::Bencher<'_, '_>) {
    let bench = Bench::start();
    bencher.bench_local(|| bench.harness(100));
}

#[divan::bench(sample_count = 10)]
fn empty_scenario(bencher: divan::Bencher<'_, '_>) {
    let bench = Bench::start();
    bencher.bench_local(|| bench.empty_scenarios(1));
}

/// A mock in a process of its own, and one client thread.
struct Bench {
    runtime: Runtime,
    connection: Connection,
    volume_id: String,
    dir: tempfile::TempDir,
    _mock: Mock,
}

struct Mock(Child);

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("csi.sock");
        let child = Command::new(env!("CARGO_BIN_EXE_csi-stretch"))
            .args(["mock", "--backing", "memory", "--listen"])
            .arg(format!("unix://{}", socket.display()))
            .arg("--state-dir")
            .arg(dir.path().join("state"))
            .env("RUST_LOG", "off")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mock = Mock(child);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = format!("unix://{}", socket.display());
        let options = Options::default();
        let connecting = channel::connect(&endpoint, &options, Duration::from_secs(5));
        let connection = runtime.block_on(connecting).unwrap();
        let volume_id = runtime.block_on(create(connection.channel()));
        Self { runtime, connection, volume_id, dir, _mock: mock }
    }

    /// `count` calls by the generated client, with a deadline, one after the other.
    fn bare(&self, count: usize) -> Duration {
        let mut client = csi::controller_client::ControllerClient::new(self.connection.channel());
        let began = Instant::now();
        self.runtime.block_on(async {
            for _ in 0..count {
                let mut request = tonic::Request::new(csi::ControllerExpandVolumeRequest {
                    volume_id: self.volume_id.clone(),
                    capacity_range: Some(csi::CapacityRange {
                        required_bytes: MIB,
                        limit_bytes: 0,
                    }),
                    volume_capability: Some(block()),
                    ..Default::default()
                });
                request.set_timeout(Duration::from_secs(30));
                let reply = client.controller_expand_volume(request).await.unwrap();
                assert_eq!(reply.into_inner().capacity_bytes, MIB);
            }
        });
        began.elapsed()
    }

    /// The same calls as a scenario.
    fn harness(&self, count: usize) -> Duration {
        let call = Call {
            volume: Some(Ref::Literal { literal: self.volume_id.clone() }),
            capacity_range: Some(CapacityRange { required: MIB, limit: 0 }),
            capability: Some(Capability {
                access: Access::Block,
                mode: AccessMode::SingleNodeWriter,
            }),
            ..Call::new(Rpc::ControllerExpand)
        };
        let file = self.dir.path().join("history.ndjson");
        self.scenario(&mut Repeat { call, left: count, failed: false }, Some(&file))
    }

    fn empty_scenarios(&self, count: u32) -> Duration {
        let repeat = || Repeat { call: Call::new(Rpc::Probe), left: 0, failed: false };
        (0..count).map(|_| self.scenario(&mut repeat(), None)).sum()
    }

    fn scenario(&self, generator: &mut Repeat, history: Option<&Path>) -> Duration {
        let journal = Arc::new(Journal::new(history, vec![]).unwrap());
        let connection = self.connection.clone();
        let began = Instant::now();
        let client: Arc<dyn Client> = Arc::new(CsiV1::new(connection, Secrets::default()));
        let workers = Workers {
            client,
            host: Arc::new(Blind),
            workload: Arc::new(Ledgers::new(1, Arc::new(Blind))),
            nemesis: None,
            vigil: None,
            recorder: Recorder::default(),
            deadline: Duration::from_secs(30),
        };
        let place = interpreter::Place {
            scenario: 0,
            id: "bench".into(),
            side: Side::Subject,
            node_id: "n".into(),
            name_prefix: "bench".into(),
            staging: self.dir.path().join("s"),
            targets: self.dir.path().join("t"),
            real: false,
            dir: self.dir.path().into(),
        };
        let ended = self
            .runtime
            .block_on(interpreter::run(generator, &workers, &place, &journal, &NEVER.1));
        let elapsed = began.elapsed();
        assert!(ended.broken.is_none() && !generator.failed);
        elapsed
    }
}

static NEVER: LazyLock<(tokio::sync::watch::Sender<bool>, tokio::sync::watch::Receiver<bool>)> =
    LazyLock::new(|| tokio::sync::watch::channel(false));

async fn create(channel: Channel) -> String {
    let mut client = csi::controller_client::ControllerClient::new(channel);
    let request = csi::CreateVolumeRequest {
        name: "bench".into(),
        capacity_range: Some(csi::CapacityRange { required_bytes: MIB, limit_bytes: 0 }),
        volume_capabilities: vec![block()],
        ..Default::default()
    };
    client.create_volume(request).await.unwrap().into_inner().volume.unwrap().volume_id
}

fn block() -> csi::VolumeCapability {
    use csi::volume_capability::{AccessMode, AccessType, BlockVolume, access_mode::Mode};
    csi::VolumeCapability {
        access_type: Some(AccessType::Block(BlockVolume {})),
        access_mode: Some(AccessMode { mode: Mode::SingleNodeWriter.into() }),
    }
}

/// The same call, again and again.
struct Repeat {
    call: Call,
    left: usize,
    failed: bool,
}

impl Generator for Repeat {
    fn next(&mut self) -> Next {
        if self.left == 0 {
            return Next::Done(None);
        }
        self.left -= 1;
        Next::Step(Box::new(Step {
            id: StepId { step: 1, verb: "call".into(), part: 0 },
            action: Action::Call(Box::new(self.call.clone())),
            expect: Some(Expect { pass: vec![Code::Ok], warn: vec![], clause: None }),
        }))
    }

    fn observe(&mut self, event: &Event) {
        use csi_stretch_oracle::history::EventKind;
        if let EventKind::Complete(completion) = &event.kind {
            self.failed |= completion.code() != Code::Ok;
        }
    }
}

/// No probe and no load is asked for.
struct Blind;

impl Observer for Blind {
    fn observe<'a>(&'a self, _: &'a Path) -> csi_stretch::Boxed<'a, Completion> {
        let failure = Failure { code: Code::Unobservable, message: String::new() };
        Box::pin(std::future::ready(Completion::Fail(failure)))
    }
}

impl Medium for Blind {
    fn write(&self, _: &Path, _: &str, _: u64, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn read(&self, _: &Path, _: &str, _: u64, _: usize) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn device_bytes(&self, _: &Path) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn free_bytes(&self, _: &Path) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
