//! Changing models over HTTP beyond what the contract records: conditions, names of requests, bodies
//! that are too large or too slow. The real executable, and an AI-Horde that knows three users.

#![expect(unreachable_pub, reason = "a test executable has no outside")]

mod bodies;
mod catalogues;
mod conditions;
mod names;
mod repeated;
mod setup;
