//! The cache in Redis, against real servers: it hastens what the files decide, and never more.

#[path = "stage.rs"]
mod stage;

mod copies;
mod fills;
mod instead;
mod news;
mod once;
mod poison;
mod repair;
mod watcher;
mod whole;
