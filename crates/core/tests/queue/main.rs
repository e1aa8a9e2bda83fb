//! The queue of proposed changes over real files: its life, its numbers, many processes at once, and
//! what is left by those who die.

mod left;
mod life;
mod payloads;
mod stage;
