//! Real processes and sockets for the tests.
//!
//! Everything here blocks and uses plain threads, so that a test reads as one straight line of
//! steps and shares no runtime with what it tests.

#![expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where things are"
)]

mod certificates;
mod command;
mod dataset;
mod eventually;
mod fault_proxy;
mod horde_api;
mod horde_stub;
mod http;
mod http_stub;
mod other_redis;
mod port;
mod python;
mod redis_cluster;
mod redis_cluster_node;
mod redis_launch;
mod redis_sentinel;
mod redis_server;
mod relay;
mod resp;
mod resp_reply;
mod server_process;
mod shared;
mod signal;

pub use certificates::Certificates;
pub use command::{Ran, run};
pub use dataset::DataFolder;
pub use eventually::eventually;
pub use fault_proxy::{Fault, FaultProxy, ProxiedConnection};
pub use horde_api::{HordeApi, HordeMode};
pub use horde_stub::HordeStub;
pub use http::{Connection, Request, Response, send};
pub use http_stub::{Answer, HttpStub, closed_port};
pub use other_redis::other_redis_servers;
pub use python::python;
pub use redis_cluster::RedisCluster;
pub use redis_cluster_node::ClusterNode;
pub use redis_launch::RedisLaunch;
pub use redis_sentinel::RedisSentinels;
pub use redis_server::{RedisDump, RedisServer};
pub use resp::{Message, RedisClient};
pub use resp_reply::Reply;
pub use server_process::{Launch, ServerProcess};
pub use shared::shared;
