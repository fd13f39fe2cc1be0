//! Ctrl-C and a terminal that goes away: the first asks a run to end, the second ends the process.

use tokio::sync::watch;

use super::Exit;

/// Raised by the first SIGINT, SIGTERM or SIGHUP; the second ends the process at once. A program
/// that `nohup` started goes on without its terminal.
pub fn interruption() -> watch::Receiver<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = hung_up(hangup.as_mut()) => {}
            }
            if sender.send_replace(true) {
                eprintln!(
                    "csi-stretch: killed while cleaning up; `csi-stretch clean` removes what is left"
                );
                std::process::exit(Exit::Interrupted.code().into());
            }
            eprintln!("csi-stretch: interrupted, cleaning up (again to give up)");
        }
    });
    receiver
}

async fn hung_up(signal: Option<&mut tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

/// As the process that started this one wants it: bit 0 of the mask is signal 1, SIGHUP.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
