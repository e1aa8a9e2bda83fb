//! The cache in Redis while everything around it fails: nothing stale is served, nothing that was
//! acknowledged is lost, no read waits, and afterwards all is as it was.

#[path = "../redis/stage.rs"]
#[expect(dead_code, reason = "other tests need the rest of it")]
mod stage;

mod harm;
mod network;
mod rights;
mod room;
mod server;
mod single;
mod storm;
mod writers;
