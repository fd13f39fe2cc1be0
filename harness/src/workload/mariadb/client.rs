//! One connection to the server, blocking. Errors come as those of files do: a full table is a full
//! volume.

use std::{io, path::Path};

use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, Value, prelude::*};
use tokio::runtime::Runtime;

/// The statement has to be done again: its transaction lost a race for locks.
pub const AGAIN: io::ErrorKind = io::ErrorKind::Interrupted;
/// The connection broke, and nobody knows whether the statement was done.
pub const BROKEN: io::ErrorKind = io::ErrorKind::ConnectionAborted;

/// Connects when it is needed, and again after the connection broke.
pub struct Client {
    runtime: Runtime,
    opts: Opts,
    conn: Option<Conn>,
}

impl Client {
    pub fn new(socket: &Path) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let opts = OptsBuilder::default()
            .socket(Some(socket.display().to_string()))
            .user(Some("root"))
            // A row that stays as it is was found, too.
            .client_found_rows(true);
        Ok(Self { runtime, opts: opts.into(), conn: None })
    }

    pub fn ping(&mut self) -> io::Result<()> {
        self.run(async |conn| conn.ping().await)
    }

    /// What the server says it is.
    pub fn version(&mut self) -> io::Result<String> {
        let versions: Vec<(String,)> = self.fetch("SELECT VERSION()", vec![])?;
        Ok(versions.into_iter().next().map(|(version,)| version).unwrap_or_default())
    }

    /// A statement in text, for what cannot be prepared.
    pub fn say(&mut self, statement: &str) -> io::Result<()> {
        self.run(async |conn| conn.query_drop(statement).await)
    }

    /// A statement with values; how many rows it found.
    pub fn exec(&mut self, statement: &str, values: Vec<Value>) -> io::Result<u64> {
        self.run(async |conn| {
            conn.exec_drop(statement, Params::Positional(values)).await?;
            Ok(conn.affected_rows())
        })
    }

    /// The rows that a query gives.
    pub fn fetch<T>(&mut self, query: &str, values: Vec<Value>) -> io::Result<Vec<T>>
    where
        T: FromRow + Send + 'static,
    {
        let params = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        self.run(async |conn| conn.exec(query, params).await)
    }

    fn run<T>(&mut self, act: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>) -> io::Result<T> {
        let (opts, held) = (&self.opts, &mut self.conn);
        let done = self.runtime.block_on(async {
            let mut conn = match held.take() {
                Some(conn) => conn,
                None => Conn::new(opts.clone()).await?,
            };
            let done = act(&mut conn).await;
            if !done.as_ref().is_err_and(Error::is_fatal) {
                *held = Some(conn);
            }
            done
        });
        done.map_err(|error| told(&error))
    }
}

/// The server's numbers are documented, and stay.
fn told(error: &Error) -> io::Error {
    const DISK_FULL: u16 = 1021;
    const RECORD_FILE_FULL: u16 = 1114;
    const LOCK_WAIT_TIMEOUT: u16 = 1205;
    const LOCK_DEADLOCK: u16 = 1213;
    const CHECKREAD: u16 = 1020;
    const SHUTDOWN: u16 = 1053;
    const KILLED: [u16; 2] = [1317, 1927];
    let Error::Server(said) = error else {
        return io::Error::new(BROKEN, error.to_string());
    };
    let text = format!("error {}: {}", said.code, said.message);
    match said.code {
        DISK_FULL | RECORD_FILE_FULL => full(&text),
        _ if said.message.contains("No space left") => full(&text),
        LOCK_WAIT_TIMEOUT | LOCK_DEADLOCK | CHECKREAD => io::Error::new(AGAIN, text),
        code if code == SHUTDOWN || KILLED.contains(&code) => io::Error::new(BROKEN, text),
        _ => io::Error::other(text),
    }
}

fn full(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, format!("ENOSPC ({text})"))
}
