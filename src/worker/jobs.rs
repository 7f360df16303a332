//! Background jobs as the user sees them: progress, rate, time left, cancel.

use crate::protocol::{JobState, JobStatus};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// The rate is taken over this much of the past, in milliseconds: long enough to be steady, short enough to be true.
const RATE_WINDOW_MS: f64 = 5_000.0;
/// Progress is told at most this often, in milliseconds.
const TELL_EVERY_MS: f64 = 150.0;
/// The steps of a job that knows a share alone: fine enough that a long one is seen to move.
const SHARE_STEPS: u64 = 1_000;
/// From which share done a time left is told, and from how many milliseconds: what the first moments say is off by a multiple.
const SHARE_TOLD: (f64, f64) = (0.03, 2_000.0);

/// Set by the user's cancel, read by the job between two steps.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Rc<Cell<bool>>);

impl CancelFlag {
    /// Whether the job should stop.
    pub fn is_set(&self) -> bool {
        self.0.get()
    }
}

#[derive(Debug)]
struct Running {
    title: String,
    begun_ms: f64,
    /// A share of the work in place of things to count.
    is_share: bool,
    done: u64,
    total: Option<u64>,
    recent: VecDeque<(f64, u64)>,
    told_ms: f64,
    cancel: CancelFlag,
    can_cancel: bool,
}

/// The jobs under way.
#[derive(Debug, Default)]
pub struct Jobs {
    last: u32,
    running: BTreeMap<u32, Running>,
}

impl Jobs {
    /// A new job of `total` steps (if known). Returns its number, its cancel flag and its first state.
    pub fn start(&mut self, title: &str, total: Option<u64>, now_ms: f64) -> (u32, CancelFlag, JobState) {
        self.last += 1;
        let cancel = CancelFlag::default();
        let running = Running {
            title: title.into(),
            begun_ms: now_ms,
            is_share: false,
            done: 0,
            total,
            recent: VecDeque::from([(now_ms, 0)]),
            told_ms: now_ms,
            cancel: cancel.clone(),
            can_cancel: true,
        };
        let state = running.state(self.last, JobStatus::Running);
        self.running.insert(self.last, running);
        (self.last, cancel, state)
    }

    /// A new job of which only a share done is known. See [`Jobs::advance_share`].
    pub fn start_share(&mut self, title: &str, can_cancel: bool, now_ms: f64) -> (u32, CancelFlag, JobState) {
        let (job, cancel, state) = self.start(title, Some(SHARE_STEPS), now_ms);
        let state = self.running.get_mut(&job).map_or(state, |running| {
            running.is_share = true;
            running.can_cancel = can_cancel;
            running.state(job, JobStatus::Running)
        });
        (job, cancel, state)
    }

    /// Records the share done, 0 to 1. Returns a state if it is time to tell.
    pub fn advance_share(&mut self, job: u32, share: f64, now_ms: f64) -> Option<JobState> {
        self.advance(job, (share * SHARE_STEPS as f64) as u64, Some(SHARE_STEPS), now_ms)
    }

    /// Records that `done` of `total` steps are done. Returns a state if it is time to tell.
    pub fn advance(&mut self, job: u32, done: u64, total: Option<u64>, now_ms: f64) -> Option<JobState> {
        let running = self.running.get_mut(&job)?;
        running.done = done;
        running.total = total.map(|total| total.max(done));
        running.recent.push_back((now_ms, done));
        while running.recent.len() > 2 && running.recent[1].0 < now_ms - RATE_WINDOW_MS {
            running.recent.pop_front();
        }
        if now_ms - running.told_ms < TELL_EVERY_MS {
            return None;
        }
        running.told_ms = now_ms;
        Some(running.state(job, JobStatus::Running))
    }

    /// Asks a job to stop. `false` if there is no such job any more.
    pub fn cancel(&mut self, job: u32) -> bool {
        let Some(running) = self.running.get(&job) else { return false };
        running.cancel.0.set(true);
        true
    }

    /// Asks all jobs to stop but those `kept`.
    pub fn cancel_all_but(&self, kept: impl Fn(u32) -> bool) {
        self.running.iter().filter(|(job, _)| !kept(**job)).for_each(|(_, running)| running.cancel.0.set(true));
    }

    /// Ends a job and returns its last state; `None` if it had ended already.
    pub fn end(&mut self, job: u32, status: JobStatus) -> Option<JobState> {
        self.running.remove(&job).map(|running| running.state(job, status))
    }
}

impl Running {
    fn state(&self, job: u32, status: JobStatus) -> JobState {
        let rate = self.rate();
        let left = self.total.map(|total| total.saturating_sub(self.done) as f64);
        JobState {
            job,
            title: self.title.clone(),
            done: self.done,
            total: self.total,
            counts: !self.is_share,
            rate,
            seconds_left: left.filter(|_| rate > 0.0).map(|left| left / rate),
            status,
            can_cancel: self.can_cancel,
        }
    }

    /// Steps a second. Things to count go by the last seconds. A share goes by the whole time: its stages each have a pace of
    /// their own, and the last seconds' would let the time left jump between them.
    fn rate(&self) -> f64 {
        let last = self.recent.back().copied();
        let first = if self.is_share { Some((self.begun_ms, 0)) } else { self.recent.front().copied() };
        let (Some((start, before)), Some((end, after))) = (first, last) else { return 0.0 };
        let (share, milliseconds) = SHARE_TOLD;
        let early = (after as f64) < share * SHARE_STEPS as f64 || end - start < milliseconds;
        if end <= start || (self.is_share && early) {
            return 0.0;
        }
        after.saturating_sub(before) as f64 * 1_000.0 / (end - start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_last_seconds_and_gives_the_time_left() {
        let mut jobs = Jobs::default();
        let (job, _, first) = jobs.start("Importing", Some(1_000), 0.0);
        assert_eq!((first.rate, first.seconds_left), (0.0, None));
        // Ten a second for 10 s, then a hundred a second for 6 s: the window has forgotten the slow start.
        let mut last = None;
        for second in 1..=16u64 {
            let done = if second <= 10 { second * 10 } else { 100 + (second - 10) * 100 };
            last = jobs.advance(job, done, Some(1_000), second as f64 * 1_000.0);
        }
        let last = last.expect("a second apart is told");
        assert!((last.rate - 100.0).abs() < 1.0, "{}", last.rate);
        assert!((last.seconds_left.expect("a rate") - 3.0).abs() < 0.1);
    }

    /// A fit that takes a step in each of many seconds and then goes fast: the time left falls, and never jumps up by much.
    #[test]
    fn a_share_of_uneven_stages_has_a_time_left_that_does_not_jump() {
        let mut jobs = Jobs::default();
        let (job, _, first) = jobs.start_share("Learning", false, 0.0);
        assert!(!first.counts && !first.can_cancel && first.seconds_left.is_none());
        let mut lefts = Vec::new();
        for second in 1..=60u32 {
            // Each stage of ten seconds stands still for eight and does its sixth in two.
            let (stage, within) = ((second - 1) / 10, (second - 1) % 10);
            let share = (f64::from(stage) + if within < 8 { 0.0 } else { f64::from(within - 7) / 2.0 }) / 6.0;
            let told = jobs.advance_share(job, share, f64::from(second) * 1_000.0).expect("a second apart is told");
            lefts.extend(told.seconds_left.map(|left| (f64::from(second), left)));
        }
        assert!(lefts.len() > 45, "{}", lefts.len());
        for (at, left) in lefts {
            let truth = 60.0 - at;
            assert!((left - truth).abs() <= 55.0, "after {at} s: {left} s left, truly {truth}");
        }
    }

    #[test]
    fn progress_is_told_a_few_times_a_second_and_never_after_the_end() {
        let mut jobs = Jobs::default();
        let (job, cancel, _) = jobs.start("Importing", None, 0.0);
        let told = (1..=1_000).filter(|&step| jobs.advance(job, step, None, step as f64).is_some()).count();
        assert!((5..=10).contains(&told), "{told}");
        assert!(jobs.cancel(job) && cancel.is_set());
        assert!(jobs.end(job, JobStatus::Cancelled).is_some());
        assert!(jobs.end(job, JobStatus::Finished).is_none() && jobs.advance(job, 2, None, 9e9).is_none());
    }
}
