//! How long a run will still take: the pauses that its scenarios ask for, and for each other step what
//! steps took so far. Knows no terminal, and no clock but what it is told.

use std::{collections::BTreeMap, time::Duration};

use csi_stretch_oracle::history::{EventKind, Record, Side, StepId};

use crate::scenario::Planned;

/// Until steps have been seen, each is thought to take that long; it counts as so many.
const USUAL: Duration = Duration::from_millis(100);
const USUAL_COUNT: u32 = 10;

/// What is left of a run.
pub struct Estimate {
    courses: BTreeMap<u32, Course>,
    jobs: u32,
    /// Steps that were no pauses, and how long they took together.
    seen: (u32, Duration),
}

/// What is left of one scenario.
struct Course {
    /// By number of the step, from 0, which is the set-up; the last stands for the teardown.
    steps: Vec<Option<Duration>>,
    /// Sides that have not ended.
    sides: u32,
    /// Of the side that runs: the step, and when it began.
    now: Option<(usize, Duration)>,
}

impl Estimate {
    /// Everything is left. `sides`: how often each scenario is run.
    pub fn new(planned: &[Planned], sides: u32, jobs: u16) -> Self {
        let runs = planned.iter().filter(|planned| planned.instance.skip.is_none());
        let course = |planned: &Planned| {
            let pauses = planned.script.pauses().map(|ms| ms.map(Duration::from_millis));
            let steps = std::iter::once(None).chain(pauses).chain([None]).collect();
            (planned.instance.number, Course { steps, sides, now: None })
        };
        Self {
            courses: runs.map(course).collect(),
            jobs: u32::from(jobs.max(1)),
            seen: (USUAL_COUNT, USUAL * USUAL_COUNT),
        }
    }

    /// Something happened, so long after the begin.
    pub fn note(&mut self, record: &Record, elapsed: Duration) {
        match record {
            Record::Event { scenario, event, .. } => {
                let EventKind::Invoke(invoke) = &event.kind else { return };
                self.at(*scenario, &invoke.step, elapsed);
            }
            Record::Ended { scenario, side, .. } => self.ended(*scenario, *side, elapsed),
            _ => {}
        }
    }

    fn at(&mut self, scenario: u32, step: &StepId, elapsed: Duration) {
        let Some(course) = self.courses.get_mut(&scenario) else { return };
        let step = usize::from(step.step).min(course.steps.len() - 1);
        if course.now.is_some_and(|(now, _)| now == step) {
            return;
        }
        let before = course.now.replace((step, elapsed));
        self.saw(scenario, before, elapsed);
    }

    fn ended(&mut self, scenario: u32, side: Side, elapsed: Duration) {
        let Some(course) = self.courses.get_mut(&scenario) else { return };
        let before = course.now.take();
        course.sides = match side {
            Side::Subject => course.sides.saturating_sub(1),
            Side::Reference => 0,
        };
        self.saw(scenario, before, elapsed);
    }

    /// A step is over.
    fn saw(&mut self, scenario: u32, step: Option<(usize, Duration)>, elapsed: Duration) {
        let course = self.courses.get(&scenario);
        if let (Some(course), Some((step, begun))) = (course, step)
            && course.steps.get(step) == Some(&None)
        {
            let (count, time) = self.seen;
            self.seen = (count + 1, time + elapsed.saturating_sub(begun));
        }
    }

    /// From now on.
    pub fn left(&self, elapsed: Duration) -> Duration {
        let each = self.seen.1 / self.seen.0;
        let left = self.courses.values().map(|course| course.left(each, elapsed));
        let (longest, all) = left.fold((Duration::ZERO, Duration::ZERO), |(longest, all), one| {
            (longest.max(one), all + one)
        });
        longest.max(all / self.jobs)
    }
}

impl Course {
    fn left(&self, each: Duration, elapsed: Duration) -> Duration {
        let takes = |step: &Option<Duration>| step.unwrap_or(each);
        let whole: Duration = self.steps.iter().map(takes).sum();
        let Some((now, begun)) = self.now else { return whole * self.sides };
        let after: Duration = self.steps.iter().skip(now + 1).map(takes).sum();
        let here = self.steps.get(now).map_or(each, takes);
        let here = here.saturating_sub(elapsed.saturating_sub(begun));
        here + after + whole * self.sides.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use csi_stretch_oracle::{
        action::{Action, Wait},
        history::{Ended, Event, Invoke},
        offer::Offers,
    };

    use super::*;
    use crate::scenario::{Options, load, plan};

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Three pauses of 30 s among five steps.
    fn planned() -> Vec<Planned> {
        let text = "about: x\nclauses: [controller-expand.purpose]\n\
                    steps: [wait: 30s, call: probe, wait: 30s, call: probe, wait: 30s]\n";
        let scenario = load("scenarios/x/y.yaml", text, &|_| true).unwrap();
        plan(&[scenario], &Offers::default(), &Options::default())
    }

    fn step(number: u16) -> Record {
        let id = StepId { step: number, verb: String::new(), part: 0 };
        let action = Action::Wait(Wait { ms: 0 });
        let kind = EventKind::Invoke(Box::new(Invoke { step: id, action, expect: None }));
        let event = Event { index: 0, op: 0, at_us: 0, kind };
        Record::Event { scenario: 0, side: Side::Subject, event }
    }

    #[test]
    fn a_long_scenario_counts_down_by_its_own_pauses() {
        let mut estimate = Estimate::new(&planned(), 1, 1);
        let about = |estimate: &Estimate, elapsed: f64| {
            estimate.left(seconds(elapsed)).as_secs_f64().round() as u64
        };
        assert_eq!(about(&estimate, 0.0), 90);
        estimate.note(&step(1), seconds(0.0));
        assert_eq!(about(&estimate, 20.0), 70);
        // A pause that takes longer than it says leaves the others.
        assert_eq!(about(&estimate, 45.0), 60);
        estimate.note(&step(3), seconds(45.0));
        assert_eq!(about(&estimate, 60.0), 45);
        estimate.note(&step(5), seconds(75.0));
        estimate.note(&step(StepId::TEARDOWN), seconds(105.0));
        assert_eq!(about(&estimate, 105.0), 0);
    }

    #[test]
    fn what_steps_took_is_what_the_others_will_take() {
        let mut estimate = Estimate::new(&planned(), 2, 1);
        estimate.note(&step(2), seconds(0.0));
        estimate.note(&step(3), seconds(54.0));
        // 55 s in 11 steps: 5 s for each of the four that are no pauses, on either side.
        let left = estimate.left(seconds(54.0));
        assert_eq!(left, seconds(30.0 + 5.0 + 30.0 + 5.0) + seconds(90.0 + 20.0));
        let ended =
            Ended { at_us: 0, stopped: None, driver_ended: None, broken: None, leaks: Vec::new() };
        let ended = |side| Record::Ended { scenario: 0, side, ended: ended.clone() };
        estimate.note(&ended(Side::Subject), seconds(54.0));
        assert!(estimate.left(seconds(54.0)) >= seconds(90.0));
        estimate.note(&ended(Side::Reference), seconds(54.0));
        assert_eq!(estimate.left(seconds(54.0)), Duration::ZERO);
    }
}
