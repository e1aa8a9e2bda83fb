//! Replicas and seeding, with the real executable on both sides or a server that misbehaves.

#![expect(unreachable_pub, reason = "a test executable has no outside")]

mod faults;
mod following;
mod seeding;
mod servers;
