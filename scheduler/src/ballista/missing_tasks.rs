//! Tasks that should be running and are not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A task that has just ended is on its way to be reported, and one that was just sent is on its way to be started.
const PATIENCE: Duration = Duration::from_secs(20);

/// One attempt of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskName {
    pub(super) job: String,
    pub(super) stage: usize,
    pub(super) stage_attempt: usize,
    pub(super) task: usize,
}

/// Since when tasks have been missing, by executor and task.
#[derive(Debug, Default)]
pub(super) struct MissingTasks {
    since: BTreeMap<(String, TaskName), Instant>,
}

impl MissingTasks {
    /// Those of the `expected` tasks that their executor has not known for a while.
    ///
    /// `known` says whether an executor knows a task, and nothing when the executor did not answer.
    pub(super) fn check(
        &mut self,
        expected: Vec<(String, TaskName)>,
        known: impl Fn(&str, &TaskName) -> Option<bool>,
        now: Instant,
    ) -> Vec<(String, TaskName)> {
        let before = std::mem::take(&mut self.since);
        let mut given_up = vec![];
        for task in expected {
            let since = before.get(&task).copied();
            match known(&task.0, &task.1) {
                Some(true) => {}
                Some(false) if since.is_some_and(|since| now.duration_since(since) >= PATIENCE) => {
                    given_up.push(task)
                }
                Some(false) => {
                    self.since.insert(task, since.unwrap_or(now));
                }
                // Silence is not evidence, for or against.
                None => self.since.extend(since.map(|since| (task, since))),
            }
        }
        given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> (String, TaskName) {
        ("a".to_owned(), TaskName { job: "j".to_owned(), stage: 1, stage_attempt: 0, task: 2 })
    }

    /// Whether the task was given up at each of these seconds, with these answers of its executor.
    fn check(answers: &[(u64, Option<bool>)]) -> Vec<bool> {
        let (mut missing, start) = (MissingTasks::default(), Instant::now());
        let given_up = answers.iter().map(|(second, known)| {
            let now = start + Duration::from_secs(*second);
            !missing.check(vec![task()], |_, _| *known, now).is_empty()
        });
        given_up.collect()
    }

    #[test]
    fn a_task_that_its_executor_does_not_know_for_a_while_is_given_up_once() {
        let answers = [(0, Some(false)), (19, Some(false)), (20, Some(false)), (22, Some(false))];
        assert_eq!(check(&answers), [false, false, true, false]);
    }

    #[test]
    fn a_task_that_is_known_in_between_starts_anew() {
        assert_eq!(
            check(&[(0, Some(false)), (10, Some(true)), (20, Some(false)), (30, Some(false))]),
            [false; 4]
        );
    }

    #[test]
    fn an_executor_that_is_silent_neither_convicts_nor_acquits() {
        assert_eq!(check(&[(0, None), (60, None)]), [false; 2]);
        assert_eq!(check(&[(0, Some(false)), (10, None), (20, Some(false))]), [false, false, true]);
    }

    #[test]
    fn a_task_that_has_ended_is_forgotten() {
        let (mut missing, start) = (MissingTasks::default(), Instant::now());
        missing.check(vec![task()], |_, _| Some(false), start);
        missing.check(vec![], |_, _| Some(false), start);
        assert!(missing.since.is_empty());
    }
}
