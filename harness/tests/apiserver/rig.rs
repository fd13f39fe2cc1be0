//! `csi-stretch apiserver` as a process of its own, and an HTTP client of a few lines: what is tested
//! is what goes over the wire.

#![allow(dead_code, reason = "two tests share it, and neither needs all")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

pub const JSON: &str = "application/json";
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub const MERGE: &str = "application/merge-patch+json";
pub const JSON_PATCH: &str = "application/json-patch+json";

const PATIENCE: Duration = Duration::from_secs(20);

/// A server, ended with the test.
pub struct Api {
    child: Child,
    // Kept open, so that the server can write to it.
    _stdout: BufReader<ChildStdout>,
    address: String,
    folder: tempfile::TempDir,
}

/// An answer's code and body.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Api {
    /// With these objects, as YAML.
    pub fn start(objects: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("st").tempdir().unwrap();
        let mut command = command(folder.path(), objects);
        command.arg("--log").arg(folder.path().join("log.ndjson"));
        command.arg("--kubeconfig").arg(folder.path().join("kubeconfig"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap().to_owned();
        Self { child, _stdout: stdout, address, folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The requests so far.
    pub fn log(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("log.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "", b"")
    }

    pub fn post(&self, path: &str, object: &Value) -> Answer {
        self.request("POST", path, JSON, object.to_string().as_bytes())
    }

    pub fn put(&self, path: &str, object: &Value) -> Answer {
        self.request("PUT", path, JSON, object.to_string().as_bytes())
    }

    pub fn patch(&self, path: &str, language: &str, change: &Value) -> Answer {
        self.request("PATCH", path, language, change.to_string().as_bytes())
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, "", b"")
    }

    pub fn request(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let mut reader = BufReader::new(self.send("1.0", method, path, kind, body));
        let code = head(&mut reader).0;
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { code, body }
    }

    /// A watch; one line is one event.
    pub fn watch(&self, path: &str) -> Watch {
        let mut reader = BufReader::new(self.send("1.0", "GET", path, "", b""));
        let (code, _) = head(&mut reader);
        assert_eq!(code, 200, "{path}");
        Watch { reader }
    }

    /// The head of an answer in HTTP 1.1, in lower case.
    pub fn head(&self, path: &str) -> String {
        head(&mut BufReader::new(self.send("1.1", "GET", path, "", b""))).1
    }

    fn send(&self, version: &str, method: &str, path: &str, kind: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{method} {path} HTTP/{version}\r\nHost: test\r\nUser-Agent: test/1\r\n")
            .unwrap();
        if !kind.is_empty() {
            write!(stream, "Content-Type: {kind}\r\n").unwrap();
        }
        write!(stream, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that is expected not to start.
pub fn refused(objects: &str, more: &[&str]) -> Output {
    let folder = tempfile::Builder::new().prefix("st").tempdir().unwrap();
    command(folder.path(), objects).args(more).output().unwrap()
}

fn command(folder: &Path, objects: &str) -> Command {
    fs::write(folder.join("objects.yaml"), objects).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_csi-stretch"));
    command.arg("apiserver").arg("--objects").arg(folder.join("objects.yaml"));
    command
}

/// Reads up to the empty line: the code, and the whole of it.
fn head(reader: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "the head ends early: {head:?}");
    }
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase())
}

pub struct Watch {
    reader: BufReader<TcpStream>,
}

impl Watch {
    /// The next event's type and object; `None` at the end.
    pub fn next(&mut self) -> Option<(String, Value)> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let mut event: Value = serde_json::from_str(&line).unwrap();
        Some((event["type"].as_str().unwrap().to_owned(), event["object"].take()))
    }

    /// The next event's type and the object's name.
    pub fn told(&mut self) -> (String, String) {
        let (kind, object) = self.next().expect("an event");
        (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }
}
