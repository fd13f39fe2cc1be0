//! Watches: what is there, then every change, a line of JSON each, until the reader leaves.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{Shared, query::Query, refusal::Refusal, resource::Resource};
use crate::generator::orchestrator::store::Cursor;

/// A watch that names no end is ended after this long, as the real server does.
const DEFAULT: Duration = Duration::from_secs(30 * 60);

/// How often a reader who wants bookmarks gets one.
const BOOKMARKS: Duration = Duration::from_secs(60);

/// Marks the bookmark after which a reader knows all that was there.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

type Line = Result<Bytes, std::convert::Infallible>;

/// A watch, as the body of an answer.
pub fn body(
    shared: &Arc<Shared>,
    resource: &'static Resource,
    query: Query,
) -> Result<Body, Refusal> {
    let mut lines = Vec::new();
    let cursor = {
        let cluster = shared.cluster();
        match query.version {
            // Whoever wants the initial events wants them also at a version: the newest will do.
            Some(version) if !query.initial_events => cluster.cursor(version)?,
            _ => {
                for object in cluster.list(resource, query.namespace.as_deref()) {
                    lines.extend(line("ADDED", &object, &query));
                }
                if query.initial_events && query.bookmarks {
                    lines.extend(bookmark(resource, cluster.store.version(), true));
                }
                cluster.store.now()
            }
        }
    };
    let (sender, receiver) = mpsc::channel(64);
    let follower = Follower { shared: Arc::clone(shared), resource, query, cursor, sender };
    tokio::spawn(follower.follow(lines));
    Ok(Body::from_stream(ReceiverStream::new(receiver)))
}

struct Follower {
    shared: Arc<Shared>,
    resource: &'static Resource,
    query: Query,
    cursor: Cursor,
    sender: mpsc::Sender<Line>,
}

impl Follower {
    async fn follow(mut self, mut lines: Vec<u8>) {
        let length = self.query.timeout_s.map_or(DEFAULT, Duration::from_secs);
        let end = Instant::now() + length;
        let mut changed = self.shared.changed();
        let mut marked = Instant::now();
        // What happened before this began to listen.
        match self.changes() {
            Some(missed) => lines.extend(missed),
            None => return self.give_up().await,
        }
        loop {
            if !lines.is_empty() && self.sender.send(Ok(lines.into())).await.is_err() {
                return;
            }
            let wake = end.min(marked + BOOKMARKS);
            tokio::select! {
                () = self.sender.closed() => return,
                woken = timeout_at(wake, changed.changed()) => {
                    // Nobody can change anything any more.
                    if matches!(woken, Ok(Err(_))) {
                        return;
                    }
                }
            }
            lines = match self.changes() {
                Some(lines) => lines,
                None => return self.give_up().await,
            };
            if Instant::now() >= end {
                return;
            }
            if self.query.bookmarks && marked.elapsed() >= BOOKMARKS {
                let version = self.shared.cluster().store.version();
                lines.extend(bookmark(self.resource, version, false));
            }
            if marked.elapsed() >= BOOKMARKS {
                marked = Instant::now();
            }
        }
    }

    /// What has changed since the last time; `None` if that is forgotten.
    fn changes(&mut self) -> Option<Vec<u8>> {
        let cluster = self.shared.cluster();
        let told = cluster.changes(self.resource, self.query.namespace.as_deref(), self.cursor)?;
        self.cursor = cluster.store.now();
        Some(told.into_iter().flat_map(|told| line(told.kind, &told.object, &self.query)).collect())
    }

    /// The reader has to list anew.
    async fn give_up(self) {
        let status = Refusal::expired(0, self.shared.cluster().store.version()).to_status();
        let line = format!("{}\n", json!({ "type": "ERROR", "object": status }));
        // A reader who has left needs no error.
        let _ = self.sender.send(Ok(line.into())).await;
    }
}

fn line(kind: &str, object: &Value, query: &Query) -> Vec<u8> {
    let other = query.name.as_ref().is_some_and(|name| object["metadata"]["name"] != name.as_str());
    if other {
        return Vec::new();
    }
    format!("{}\n", json!({ "type": kind, "object": object })).into_bytes()
}

fn bookmark(resource: &Resource, version: u64, initial: bool) -> Vec<u8> {
    let mut object = json!({
        "kind": resource.kind,
        "apiVersion": resource.api_version(),
        "metadata": { "resourceVersion": version.to_string() },
    });
    if initial {
        object["metadata"]["annotations"] = json!({ INITIAL_EVENTS_END: "true" });
    }
    line("BOOKMARK", &object, &Query::default())
}
