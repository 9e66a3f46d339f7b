//! The only place in this crate that names Ballista.
//!
//! [`TaskHost`] is Ballista's executor process with everything that can be ours: how a task runs, what an error
//! becomes, which functions, codecs and object stores there are, and how peers are reached.

mod connection_pool;
mod data_port;
mod execution_engine;
mod network;
mod running_tasks;
mod task_failure;
mod task_host;

pub(crate) use task_host::TaskHost;
