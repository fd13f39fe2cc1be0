//! `--metrics`: what happens in a run, as Prometheus reads it, for as long as the run goes on. A sink
//! of the journal, like every other reader of events; ci/grafana/ has a dashboard for it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use csi_stretch_oracle::{
    action::{Action, Call},
    history::{Completion, Event, EventKind, Ops, Reading, Record, Run, Side},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{cli::outcome::Failure, runner::journal::Sink};

type Labels = Vec<(&'static str, String)>;
type Count = Family<Labels, Counter>;
type Seconds = Family<Labels, Counter<f64, AtomicU64>>;
type Level = Family<Labels, Gauge<f64, AtomicU64>>;
type Bytes = Family<Labels, Gauge<i64, AtomicI64>>;
type Times = Family<Labels, Histogram, fn() -> Histogram>;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page, served until this is dropped.
pub(super) struct Page {
    serving: JoinHandle<()>,
    address: SocketAddr,
    registry: Arc<Mutex<Registry>>,
}

impl Page {
    /// Listens; port 0 takes a free one.
    pub async fn serve(at: SocketAddr) -> Result<Self, Failure> {
        let cannot = |error| Failure::usage(format!("--metrics: cannot listen on {at}: {error}"));
        let listener = TcpListener::bind(at).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let registry = Arc::new(Mutex::new(Registry::with_prefix("csi_stretch")));
        let shown = registry.clone();
        let text = move || {
            let mut text = String::new();
            let registry = shown.lock().unwrap_or_else(PoisonError::into_inner);
            // Writing to a string cannot fail.
            let _ = encode(&mut text, &registry);
            std::future::ready(([(CONTENT_TYPE, TEXT)], text))
        };
        let router = Router::new().route("/metrics", get(text));
        let serving = tokio::spawn(async move {
            // It ends with the run, and a reader that breaks off is no matter of ours.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { serving, address, registry })
    }

    /// For the console.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Who fills the page.
    pub fn sink(&self, run: &Run) -> Metrics {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        Metrics::new(run, &mut registry)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The figures.
pub(super) struct Metrics {
    scenarios: Count,
    calls: Count,
    durations: Times,
    operations: Count,
    errors: Count,
    latency: Level,
    blocked: Seconds,
    bytes: Bytes,
    open: Mutex<Open>,
}

/// What is needed to understand the next record.
#[derive(Default)]
struct Open {
    names: BTreeMap<u32, String>,
    calls: BTreeMap<(u32, Side, u32), (u64, Call)>,
    /// Last asked for, and last said, by volume.
    sizes: BTreeMap<(u32, Side, String), [Option<i64>; 2]>,
}

impl Metrics {
    fn new(run: &Run, registry: &mut Registry) -> Self {
        // From 100 µs to almost a minute.
        let times: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-4, 2.5, 16));
        let metrics = Self {
            scenarios: Count::default(),
            calls: Count::default(),
            durations: Times::new_with_constructor(times),
            operations: Count::default(),
            errors: Count::default(),
            latency: Level::default(),
            blocked: Seconds::default(),
            bytes: Bytes::default(),
            open: Mutex::default(),
        };
        let about = Bytes::default();
        about.get_or_create(&run_labels(run)).set(1);
        registry.register("run", "The run: 1, with its facts as labels", about);
        registry.register("scenarios", "Scenarios by state", metrics.scenarios.clone());
        registry.register("calls", "Calls that came back", metrics.calls.clone());
        let help = "Time that calls took";
        registry.register_with_unit("call", help, Unit::Seconds, metrics.durations.clone());
        let help = "Operations of a database that were acknowledged";
        registry.register("operations", help, metrics.operations.clone());
        registry.register("errors", "Errors that a database met", metrics.errors.clone());
        let help = "Latency of a database's operations in the last tenth of a second";
        registry.register_with_unit("latency", help, Unit::Seconds, metrics.latency.clone());
        let help = "Time that a database's writers waited for room";
        registry.register_with_unit("blocked", help, Unit::Seconds, metrics.blocked.clone());
        let help = "Sizes of a volume by source: what was asked for, said, and is there";
        registry.register_with_unit("size", help, Unit::Bytes, metrics.bytes.clone());
        metrics
    }

    fn event(&self, open: &mut Open, scenario: u32, side: Side, event: &Event) {
        let key = (scenario, side, event.op);
        match &event.kind {
            EventKind::Invoke(invoke) => {
                if let Action::Call(call) = &invoke.action {
                    open.calls.insert(key, (event.at_us, (**call).clone()));
                    let asked = call.capacity_range.map(|range| range.required);
                    open.size((scenario, side), call, 0, asked);
                }
            }
            EventKind::Complete(completion) => {
                if let Some((begun_us, call)) = open.calls.remove(&key) {
                    let took = event.at_us.saturating_sub(begun_us);
                    self.call(side, &call, completion, took);
                    let reply = completion.reply();
                    let created = reply.and_then(|reply| reply.volume.as_ref());
                    let said = reply.and_then(|reply| reply.capacity_bytes);
                    let said = said.or(created.map(|volume| volume.capacity_bytes));
                    open.size((scenario, side), &call, 1, said);
                }
            }
        }
    }

    fn call(&self, side: Side, call: &Call, completion: &Completion, took_us: u64) {
        let mut labels = vec![("side", name(side)), ("rpc", call.rpc.full_name().to_owned())];
        self.durations.get_or_create(&labels).observe(seconds(took_us));
        labels.push(("code", completion.code().name().to_owned()));
        self.calls.get_or_create(&labels).inc();
    }

    /// Sizes of volumes with a database; of all volumes they would be thousands.
    fn sizes(&self, labels: &Labels, [asked, said]: [Option<i64>; 2]) {
        for (source, bytes) in [("requested", asked), ("replied", said)] {
            if let Some(bytes) = bytes {
                self.bytes.get_or_create(&sized(labels, source)).set(bytes);
            }
        }
    }

    fn reading(&self, labels: &Labels, reading: &Reading) {
        for (load, ops) in [("bulk", reading.bulk), ("query", reading.query)] {
            self.load(labels, load, ops);
        }
        self.blocked.get_or_create(labels).inc_by(seconds(reading.blocked_us));
        let sizes = [
            ("data", reading.data_bytes),
            ("verified", reading.verified_bytes),
            ("device", reading.device_bytes),
            ("file_system", reading.fs_bytes),
            ("statfs_total", reading.statfs_total),
            ("statfs_available", reading.statfs_available),
        ];
        for (source, bytes) in sizes {
            if let Some(bytes) = bytes {
                self.bytes.get_or_create(&sized(labels, source)).set(bytes.cast_signed());
            }
        }
    }

    fn load(&self, labels: &Labels, load: &str, ops: Ops) {
        let with = |key, value: &str| {
            let mut labels = labels.clone();
            labels.extend([("load", load.to_owned()), (key, value.to_owned())]);
            labels
        };
        let mut one = labels.clone();
        one.push(("load", load.to_owned()));
        self.operations.get_or_create(&one).inc_by(ops.done);
        self.errors.get_or_create(&one).inc_by(ops.errors);
        for (quantile, us) in [("0.5", ops.p50_us), ("0.99", ops.p99_us), ("1", ops.max_us)] {
            self.latency.get_or_create(&with("quantile", quantile)).set(seconds(us));
        }
    }
}

impl Open {
    fn size(
        &mut self,
        (scenario, side): (u32, Side),
        call: &Call,
        which: usize,
        bytes: Option<i64>,
    ) {
        let volume = call.volume.as_ref().and_then(|id| id.handle());
        if let (Some(volume), Some(bytes)) = (volume, bytes.filter(|bytes| *bytes > 0)) {
            let key = (scenario, side, volume.to_owned());
            self.sizes.entry(key).or_default()[which] = Some(bytes);
        }
    }
}

impl Sink for Metrics {
    fn record(&self, record: &Record) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count =
            |state: &str| _ = self.scenarios.get_or_create(&vec![("state", state.into())]).inc();
        match record {
            Record::Scenario(instance) => {
                open.names.insert(instance.number, instance.id.clone());
                count(if instance.skip.is_some() { "skipped" } else { "planned" });
            }
            Record::Event { scenario, side, event } => {
                self.event(&mut open, *scenario, *side, event);
            }
            Record::Readings { scenario, side, volume, readings } => {
                let labels = of(&open, *scenario, *side, volume);
                for reading in readings {
                    self.reading(&labels, reading);
                }
                let key = (*scenario, *side, volume.clone());
                self.sizes(&labels, open.sizes.get(&key).copied().unwrap_or_default());
            }
            Record::Ended { side: Side::Subject, .. } => count("ended"),
            Record::Run(_) | Record::Objects { .. } | Record::Ended { .. } | Record::End(_) => {}
        }
    }
}

fn run_labels(run: &Run) -> Labels {
    vec![
        ("id", run.id.clone()),
        ("target", run.target.name.clone()),
        ("version", run.target.vendor_version.clone()),
        ("seed", format!("{:#x}", run.seed)),
    ]
}

fn of(open: &Open, scenario: u32, side: Side, volume: &str) -> Labels {
    let id = open.names.get(&scenario).cloned().unwrap_or_else(|| scenario.to_string());
    vec![("scenario", id), ("side", name(side)), ("volume", volume.to_owned())]
}

fn sized(labels: &Labels, source: &str) -> Labels {
    let mut labels = labels.clone();
    labels.push(("source", source.to_owned()));
    labels
}

fn name(side: Side) -> String {
    match side {
        Side::Subject => "subject",
        Side::Reference => "reference",
    }
    .to_owned()
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
