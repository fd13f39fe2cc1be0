//! What a sidecar asks a driver before it works: one question after the other, again and again
//! until all are answered. Which question follows is the sidecar's own affair.

use super::{
    component::{Api, Task},
    rpc::{Answer, Caps, Method, Rpc},
    time::{SECOND, Span},
};

/// The key of the wake that asks again.
pub const AGAIN: u32 = u32::MAX;
/// The task of its questions.
pub const GREETING: Task = Task(u32::MAX);

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next question.
    Ask(Method),
    /// That was all.
    Ready,
    /// The process ends with an error, and will each time it is started.
    Never,
}

/// The questions of one sidecar.
#[derive(Clone, Debug)]
pub struct Greeting {
    timeout: Span,
    follow: fn(&[Method], Caps) -> After,
    asked: Vec<Method>,
    caps: Caps,
    ready: bool,
}

impl Greeting {
    /// `follow`: what comes after these questions, which were answered with these capabilities.
    pub fn new(timeout: Span, follow: fn(&[Method], Caps) -> After) -> Self {
        Self { timeout, follow, asked: Vec::new(), caps: Caps::default(), ready: false }
    }

    /// Its work can begin.
    pub fn is_over(&self) -> bool {
        self.ready
    }

    /// What the driver can do.
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Asks from the beginning.
    pub fn begin(&mut self, api: &mut Api<'_>) {
        self.asked.clear();
        self.caps = Caps::default();
        self.ask(api, Method::Probe);
    }

    fn ask(&mut self, api: &mut Api<'_>, method: Method) {
        self.asked.push(method);
        api.call(GREETING, Rpc::new(method, self.timeout));
    }

    /// Takes an answer.
    pub fn answered(&mut self, api: &mut Api<'_>, answer: &Answer) {
        let Ok(reply) = answer else {
            // A driver that is not there yet is probed each second. After any other error the
            // process ends, and is started again.
            let probing = self.asked.last() == Some(&Method::Probe);
            let pause = if probing { SECOND } else { 10 * SECOND };
            return api.wake(Some(api.now.plus(pause)), AGAIN);
        };
        self.caps = self.caps.with(reply.caps);
        match (self.follow)(&self.asked, self.caps) {
            After::Ask(method) => self.ask(api, method),
            After::Ready => self.ready = true,
            After::Never => {}
        }
    }
}
