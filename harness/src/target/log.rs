//! The log of a driver that this run started: its output, line by line, without our secrets. A
//! driver that prints the secrets it is sent must not put them into a CI job's artefacts.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::client::secrets::Secrets;

/// A longer line is written in pieces.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Copies a driver's output to its log until all holders of the pipe are gone.
#[derive(Clone, Debug)]
pub(super) struct Copying(Arc<AtomicBool>);

impl Copying {
    /// Starts; a thread, because a driver must never wait for the harness to read.
    pub fn start(output: impl Read + Send + 'static, log: File, secrets: Secrets) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let over = done.clone();
        std::thread::spawn(move || {
            // A log that cannot be written must not stop the driver: what it says is read on.
            let _ = copy(BufReader::new(output), log, &secrets);
            over.store(true, Ordering::Release);
        });
        Self(done)
    }

    /// Waits for the last words; a grandchild that holds the pipe open is not waited for.
    pub fn settle(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.0.load(Ordering::Acquire) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn copy(mut output: impl io::BufRead, mut log: File, secrets: &Secrets) -> io::Result<()> {
    let mut line = Vec::new();
    let mut written = Ok(());
    loop {
        line.clear();
        if (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return written;
        }
        let text = String::from_utf8_lossy(&line);
        if written.is_ok() {
            written = log.write_all(secrets.scrub(&text).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use csi_stretch_oracle::action::Rpc;

    use super::*;

    #[test]
    fn secrets_never_reach_the_log() {
        let map = BTreeMap::from([
            ("password".to_owned(), "hunter2".to_owned()),
            ("pem".to_owned(), "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n".to_owned()),
        ]);
        let secrets = Secrets::new(BTreeMap::from([(Rpc::NodeStage, map)]));
        let file = tempfile::NamedTempFile::new().unwrap();
        let said: &[u8] = b"staging with hunter2\nkey is\nc2VjcmV0\nall \xff well";
        let copying = Copying::start(said, file.reopen().unwrap(), secrets);
        copying.settle(Duration::from_secs(5));
        let log = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(log, "staging with [redacted]\nkey is\n[redacted]\nall \u{fffd} well");
    }
}
