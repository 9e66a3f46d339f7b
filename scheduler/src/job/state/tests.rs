use super::*;

const LIMITS: Limits = Limits {
    executor_wait: Duration::from_secs(30),
    job_timeout: Duration::from_hours(1),
    no_progress_timeout: Duration::from_mins(5),
};

/// Runs `events`, each at its second, from the state in which every job starts.
fn run(events: &[(u64, Event)]) -> (State, Vec<Action>) {
    let start = Instant::now();
    let mut state = State::Waiting { since: start };
    let mut actions = vec![];
    for (second, event) in events {
        let (next, todo) = step(state, &LIMITS, event.clone(), start + Duration::from_secs(*second));
        state = next;
        actions.extend(todo);
    }
    (state, actions)
}

fn check(events: &[(u64, Event)], end: &End, expected: &[Action]) {
    let (state, actions) = run(events);
    assert_eq!((state, actions.as_slice()), (State::Ended(end.clone()), expected), "{events:?}");
}

fn failed() -> Event {
    Event::Failed("text".to_owned())
}

use Action::{Cancel, Release, Submit};
use Event::{CancelAsked, ExecutorReady, Progressed, Queued, Running, Succeeded, Tick};

#[test]
fn a_job_that_succeeds_keeps_its_files_until_its_rows_are_read() {
    let events =
        [(0, ExecutorReady), (0, Queued), (1, Running), (2, Progressed), (3, Succeeded), (4000, Tick)];
    assert_eq!(run(&events), (State::Delivering, vec![Submit]));
    check(&[&events[..], &[(4001, CancelAsked)]].concat(), &End::Delivered, &[Submit, Release]);
}

#[test]
fn a_job_of_one_stage_is_done_before_anybody_sees_it_running() {
    check(&[(0, ExecutorReady), (0, Succeeded), (1, CancelAsked)], &End::Delivered, &[Submit, Release]);
}

#[test]
fn a_job_without_executors_ends_when_its_wait_is_over() {
    assert!(!run(&[(29, Tick)]).0.is_over());
    check(&[(29, Tick), (30, Tick)], &End::NoExecutor, &[]);
}

#[test]
fn an_executor_that_comes_in_time_gets_the_job() {
    assert_eq!(run(&[(29, Tick), (29, ExecutorReady)]).1, [Submit]);
}

#[test]
fn a_job_that_nobody_wants_before_it_is_submitted_is_not_submitted() {
    check(&[(1, CancelAsked)], &End::Cancelled(Why::Asked), &[]);
}

#[test]
fn a_failure_ends_a_job_in_every_phase() {
    let end = End::Failed("text".to_owned());
    check(&[(0, ExecutorReady), (1, failed())], &end, &[Submit, Release]);
    check(&[(0, ExecutorReady), (1, Running), (2, failed())], &end, &[Submit, Release]);
}

#[test]
fn a_cancelled_job_is_over_when_the_cluster_says_so() {
    let events = [(0, ExecutorReady), (1, Running), (2, CancelAsked)];
    assert!(!run(&events).0.is_over());
    let end = End::Cancelled(Why::Asked);
    check(&[&events[..], &[(3, failed())]].concat(), &end, &[Submit, Cancel, Release]);
}

#[test]
fn a_cancellation_that_was_lost_is_asked_for_again() {
    let events =
        [(0, ExecutorReady), (0, CancelAsked), (0, Queued), (1, Running), (1, Running), (2, failed())];
    check(&events, &End::Cancelled(Why::Asked), &[Submit, Cancel, Cancel, Release]);
}

#[test]
fn a_cancellation_that_never_works_is_given_up() {
    let (state, actions) = run(&[(0, ExecutorReady), (0, CancelAsked), (15, Tick), (30, Tick)]);
    assert_eq!(state, State::Ended(End::Cancelled(Why::Asked)));
    assert_eq!(actions, [Submit, Cancel, Cancel, Release]);
}

#[test]
fn a_job_that_succeeds_while_it_is_cancelled_is_cancelled() {
    let events = [(0, ExecutorReady), (0, CancelAsked), (0, Succeeded)];
    check(&events, &End::Cancelled(Why::Asked), &[Submit, Cancel, Release]);
}

#[test]
fn a_job_past_its_deadline_is_cancelled() {
    let mut events = vec![(0, ExecutorReady), (1, Running)];
    events.extend((1..36).map(|i| (i * 100, Progressed)));
    events.extend([(3600, Tick), (3601, failed())]);
    check(&events, &End::Cancelled(Why::Deadline), &[Submit, Cancel, Release]);
}

#[test]
fn a_job_in_which_nothing_happens_is_cancelled() {
    let events = [(0, ExecutorReady), (1, Running), (200, Progressed), (499, Tick)];
    assert!(matches!(run(&events).0, State::Running { .. }));
    let events = [&events[..], &[(500, Tick), (501, failed())]].concat();
    check(&events, &End::Cancelled(Why::NoProgress), &[Submit, Cancel, Release]);
}

#[test]
fn a_job_that_the_cluster_never_heard_of_is_lost() {
    check(&[(0, ExecutorReady), (29, Tick), (30, Tick)], &End::Lost, &[Submit, Cancel, Release]);
}

#[test]
fn a_job_that_takes_long_to_plan_is_not_lost() {
    let events = [(0, ExecutorReady), (20, Queued), (319, Tick)];
    assert!(matches!(run(&events).0, State::Submitted { .. }));
    let events = [&events[..], &[(320, Tick), (321, failed())]].concat();
    check(&events, &End::Cancelled(Why::NoProgress), &[Submit, Cancel, Release]);
}

#[test]
fn nothing_happens_to_a_job_that_has_ended() {
    let ended = State::Ended(End::Lost);
    for event in [ExecutorReady, Queued, Running, Progressed, Succeeded, failed(), CancelAsked, Tick] {
        assert_eq!(step(ended.clone(), &LIMITS, event, Instant::now()), (ended.clone(), vec![]));
    }
}
