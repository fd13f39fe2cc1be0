//! What a simulated fleet costs: calls a second on one core, and how time and memory grow from
//! 1,000 to 100,000 claims. `cargo bench --bench fleet [CLAIMS...]` prints one line for each size.

use std::time::Instant;

use csi_stretch::generator::orchestrator::{
    fleet::{Plan, simulate},
    time::{MINUTE, SECOND},
};

const SIZES: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
/// What is demanded in release mode, of each size.
const CALLS_A_SECOND: f64 = 200_000.0;
const MEMORY: u64 = 2 << 30;

/// The most memory that this process had, bytes; 0 if the host does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if given.is_empty() { SIZES.to_vec() } else { given };
    println!("   claims      calls   seconds   calls/s  ns/call  peak MiB  settled");
    let mut missed = false;
    let mut costs = Vec::new();
    for claims in sizes {
        // Four growths of each claim, with a resizer that the API does not hold back.
        let plan = Plan {
            claims,
            nodes: claims.div_ceil(100),
            sizes: (1..=5).map(|size| size * (10 << 30)).collect(),
            over: 30 * SECOND,
            patience: 6 * 60 * MINUTE,
            workers: 1_000,
            api: (0, 0),
            ..Plan::default()
        };
        let begin = Instant::now();
        let outcome = simulate(&plan, None).expect("a valid plan");
        let seconds = begin.elapsed().as_secs_f64();
        let rate = outcome.calls_total as f64 / seconds;
        let memory = peak();
        println!(
            "{claims:>9} {:>10} {seconds:>9.3} {rate:>9.0} {:>8.0} {:>9} {:>8}",
            outcome.calls_total,
            1e9 / rate,
            memory >> 20,
            outcome.settled
        );
        missed |= rate < CALLS_A_SECOND || memory > MEMORY || outcome.settled < claims;
        costs.push(1e9 / rate);
    }
    if let (Some(first), Some(last)) = (costs.first(), costs.last()) {
        println!("a call of the largest fleet costs {:.2} times one of the smallest", last / first);
    }
    let verdict = if missed { "missed" } else { "met" };
    println!("200,000 calls a second, below 2 GiB, every claim settled: {verdict}");
}
