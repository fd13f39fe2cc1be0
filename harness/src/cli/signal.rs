//! Ctrl-C: the first asks a run to end, the second ends the process.

use tokio::sync::watch;

use super::Exit;

/// Raised by the first SIGINT or SIGTERM; the second ends the process at once.
pub fn interruption() -> watch::Receiver<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
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
