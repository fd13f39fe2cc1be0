//! How a subcommand ends: an exit code, or a failure that has one.

use std::{fmt, io::Write as _};

use super::Exit;

/// One line for people, and the code for scripts.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

/// What a subcommand returns.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A wrong argument or file.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// No endpoint, or the host lacks something.
    pub fn lab(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Inconclusive, message: message.to_string() }
    }

    /// A report could not be written.
    pub fn report(message: impl fmt::Display) -> Self {
        Self { exit: Exit::ReportNotWritten, message: message.to_string() }
    }

    /// A fault of this program.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Internal, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Prints to standard output; a reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::report(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(Exit::Passed),
    }
}
