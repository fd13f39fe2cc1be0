//! What clients ask, a line of JSON for each request, so that one can see who did what in which order.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Map, Value, json};

/// The file, and when it began.
pub struct Journal {
    file: Mutex<File>,
    began: Instant,
}

/// One request and how it was answered.
pub struct Entry<'a> {
    /// HTTP's.
    pub method: &'a str,
    /// With what is asked for.
    pub uri: &'a str,
    /// Who asks, as they say.
    pub agent: &'a str,
    /// As JSON, whatever form it came in.
    pub body: Option<&'a Value>,
    /// HTTP's.
    pub code: u16,
    /// Why it is refused.
    pub refusal: Option<&'a str>,
}

impl Journal {
    /// Begins a file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Mutex::new(File::create(path)?), began: Instant::now() })
    }

    /// Adds a line. A journal that cannot be written is no reason to refuse a client.
    pub fn add(&self, entry: &Entry<'_>) {
        let at_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut line = Map::new();
        line.insert("at_us".into(), at_us.into());
        line.insert("agent".into(), entry.agent.into());
        line.insert("method".into(), entry.method.into());
        line.insert("uri".into(), entry.uri.into());
        line.insert("code".into(), entry.code.into());
        if let Some(refusal) = entry.refusal {
            line.insert("refusal".into(), refusal.into());
        }
        if let Some(body) = entry.body {
            line.insert("body".into(), json!(body));
        }
        let line = format!("{}\n", Value::Object(line));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "a request is not in the journal");
        }
    }
}
