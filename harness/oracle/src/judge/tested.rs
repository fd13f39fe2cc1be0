//! Whether the run tested growth at all, and if not, whose choice that was.

use super::{collect::History, scenario::Judged};
use crate::{
    history::Instance,
    report::{Class, Finding, Growth, GrowthState, GrowthTested},
    verdict::Verdict,
};

/// The offer of a target that declares EXPAND_VOLUME on its controller or node.
const EXPAND: &str = "expand";

/// See the module.
pub fn growth(history: &History, judged: &[Judged]) -> GrowthTested {
    // First: a call that has to be refused is no test of growth.
    let offers = &history.run.target.offers;
    if !offers.has(EXPAND) {
        let why = offers.lacks.get(EXPAND).cloned();
        return GrowthTested { state: GrowthState::NotOffered, why };
    }
    let mut asked = judged.iter().flat_map(|case| &case.growths).peekable();
    let first = asked.peek().copied();
    if asked.any(|growth| !had_more(growth)) {
        return GrowthTested { state: GrowthState::Tested, why: None };
    }
    if let Some(Growth { scenario, volume, required, before: Some(before), .. }) = first {
        let why = format!(
            "no growth asked for more than the volume had ({scenario}: `{volume}` was made with {before} \
             bytes, and {required} asked for); say in the target's profile what it allocates, as \
             `granularity` or `sizes`"
        );
        return GrowthTested { state: GrowthState::NotTested, why: Some(why) };
    }
    let mut grows = judged.iter().zip(&history.cases).filter(|(_, case)| grows(&case.instance));
    let Some((first, _)) = grows.next() else {
        return GrowthTested { state: GrowthState::NotSelected, why: None };
    };
    let why = match &first.result.skip {
        Some(why) => format!("{} was skipped: {why}", first.result.id),
        None => format!("{} never came to it", first.result.id),
    };
    GrowthTested { state: GrowthState::NotTested, why: Some(why) }
}

/// A driver that makes volumes much larger than asked has nothing to do. The same size again is
/// what some scenarios are about.
fn had_more(growth: &Growth) -> bool {
    growth.before.is_some_and(|before| growth.required < before)
}

fn grows(instance: &Instance) -> bool {
    let of_growth =
        |id: &String| id.starts_with("controller-expand.") || id.starts_with("node-expand.");
    instance.clauses.iter().any(of_growth)
}

/// A target that declares growth, and a run that was to test it and did not.
pub fn finding(tested: &GrowthTested) -> Option<Finding> {
    let why = tested.why.as_ref().filter(|_| tested.state == GrowthState::NotTested)?;
    Some(Finding {
        check: "whole".to_owned(),
        clause: String::new(),
        class: Class::Vacuous,
        verdict: Verdict::Inconclusive,
        advisory: false,
        excused: None,
        step: None,
        what: format!("the target declares growth, and none was tested: {why}"),
        expected: None,
        observed: None,
        events: Vec::new(),
    })
}
