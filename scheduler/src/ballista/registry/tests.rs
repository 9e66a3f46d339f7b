use super::super::testing::{executor, job, jobs, lose, scan, succeed, two_stages};
use super::*;
use tokio::net::TcpListener;

fn data(id: &str, available_vcores: u32) -> ExecutorData {
    ExecutorData { executor_id: id.to_owned(), total_vcores: 1, available_vcores }
}

async fn registry(executors: &[&str]) -> Registry {
    let registry = Registry::new(CancellationToken::new());
    for id in executors {
        registry.register_unwatched(executor(id), data(id, 1)).await;
    }
    registry
}

async fn bind(registry: &Registry, job: &JobInfoCache, alive: &[&str]) -> Vec<BoundTask> {
    let alive = alive.iter().map(|id| (*id).to_owned()).collect();
    let policy = TaskDistributionPolicy::RoundRobin;
    registry.bind_schedulable_tasks(policy, jobs(job), Some(alive)).await.unwrap()
}

#[tokio::test]
async fn a_busy_executor_gets_no_more_tasks_until_one_has_ended() {
    let (registry, job) = (registry(&["a"]).await, job(scan()));
    let first = bind(&registry, &job, &["a"]).await;
    assert_eq!(first.len(), 1);
    assert!(bind(&registry, &job, &["a"]).await.is_empty());
    succeed(&job, &first[0], 1).await;
    assert_eq!(bind(&registry, &job, &["a"]).await.len(), 1);
}

#[tokio::test]
async fn a_task_whose_stage_was_rolled_back_holds_no_core() {
    let (registry, job) = (registry(&["a", "b"]).await, job(two_stages()));
    for task in bind(&registry, &job, &["a", "b"]).await {
        succeed(&job, &task, 1).await;
    }
    let last_stage = bind(&registry, &job, &["b"]).await;
    assert_eq!(last_stage.len(), 1);
    // Its input from "a" is lost: the stage is rolled back, and what it ran on "b" never counts as ended.
    lose(&job, "a").await;
    let again = bind(&registry, &job, &["b"]).await;
    assert_eq!(again.len(), 1, "the lost part of the first stage runs again");
    assert_ne!(again[0].1.key.stage_id, last_stage[0].1.key.stage_id);
}

#[tokio::test]
async fn capacity_is_that_of_executors_that_take_tasks() {
    let registry = registry(&["a", "b"]).await;
    registry.publish().await;
    assert_eq!(*registry.capacity().borrow(), Capacity { executors: 2, vcores: 2 });
    let leaving = ExecutorHeartbeat {
        executor_id: "a".to_owned(),
        timestamp: 1,
        status: Some(ballista_core::serde::protobuf::ExecutorStatus {
            status: Some(executor_status::Status::Terminating(String::new())),
        }),
        ..ExecutorHeartbeat::default()
    };
    registry.save_executor_heartbeat(leaving).await.unwrap();
    assert_eq!(*registry.capacity().borrow(), Capacity { executors: 1, vcores: 1 });
    registry.remove_executor("b").await.unwrap();
    assert_eq!(*registry.capacity().borrow(), Capacity::default());
}

#[tokio::test]
async fn an_executor_that_dies_counts_as_silent_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let grpc_port = listener.local_addr().unwrap().port();
    let registry = Registry::new(CancellationToken::new());
    let metadata = ExecutorMetadata { grpc_port, ..executor("a") };
    registry.register_executor(metadata, data("a", 1)).await.unwrap();
    assert!(registry.executor_heartbeats()["a"].timestamp > 0);
    drop((listener.accept().await, listener));
    let silent = async {
        while registry.executor_heartbeats()["a"].timestamp > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), silent).await.unwrap();
}
