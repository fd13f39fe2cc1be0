//! What the orchestrator's objects showed, beside the calls that were made for them.

use csi_stretch_oracle::{
    history::ObjectKind,
    report::{ScenarioResult, StepResult},
};

use crate::{text, view};

/// Questions that an orchestrator asks all the time, and that change no object.
const ASKS: [&str; 4] = ["Probe", "GetPlugin", "ControllerGet", "NodeGet"];

pub struct ObjectsView<'a> {
    pub profile: &'a str,
    pub pace: u32,
    pub lines: Vec<LineView<'a>>,
}

/// One moment: an object's line, or a call.
pub struct LineView<'a> {
    /// Since the scenario began.
    pub time: String,
    /// On the orchestrator's clock; empty for a call.
    pub clock: String,
    pub kind: &'static str,
    pub row: &'a str,
    pub notes: String,
    pub call: &'a str,
    pub code: &'a str,
    /// CSS class of the code.
    pub tone: &'static str,
}

/// Both, in order of time.
pub fn objects(scenario: &ScenarioResult) -> Option<ObjectsView<'_>> {
    let orchestrator = scenario.orchestrator.as_ref().filter(|_| !scenario.objects.is_empty())?;
    let since = |at_us: u64| text::ms(at_us.saturating_sub(scenario.start_us));
    let changes = scenario.objects.iter().map(|change| {
        let line = LineView {
            time: since(change.at_us),
            clock: text::ms(change.clock_us),
            kind: kind(change.kind),
            row: &change.row,
            notes: change.notes.join("; "),
            call: "",
            code: "",
            tone: "",
        };
        (change.at_us, line)
    });
    let calls = scenario.steps.iter().filter(|step| is_told(step)).map(|step| {
        let line = LineView {
            time: since(step.start_us),
            clock: String::new(),
            kind: "call",
            row: "",
            notes: String::new(),
            call: &step.action,
            code: &step.code,
            tone: if view::is_surprising(step) { "look" } else { "calm" },
        };
        (step.start_us, line)
    });
    let mut lines: Vec<(u64, LineView<'_>)> = changes.chain(calls).collect();
    lines.sort_by_key(|(at_us, _)| *at_us);
    Some(ObjectsView {
        profile: &orchestrator.profile,
        pace: orchestrator.pace,
        lines: lines.into_iter().map(|(_, line)| line).collect(),
    })
}

fn is_told(step: &StepResult) -> bool {
    step.kind == "call" && !ASKS.iter().any(|ask| step.action.starts_with(ask))
}

fn kind(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Claim => "pvc",
        ObjectKind::Volume => "pv",
        ObjectKind::Pod => "pod",
        ObjectKind::Event => "event",
    }
}
