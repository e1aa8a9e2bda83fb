//! Every way in which Redis is found and entered, against real servers: passwords, TLS, sockets, users
//! with few rights, Sentinels, clusters, other versions. The files decide in all of them; what is tried
//! is that news and copies get through, and that somebody is told where they cannot.

#[path = "../redis/stage.rs"]
#[allow(dead_code, clippy::result_large_err, reason = "the stage serves other tests too")]
mod stage;

mod cluster;
mod log;
mod pair;
mod refused;
mod rights;
mod scriptless;
mod secured;
mod sentinel;
mod versions;
