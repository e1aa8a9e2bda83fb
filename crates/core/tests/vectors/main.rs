//! The conversion vectors and the real data of the contract, run through this crate.
//!
//! They lie outside the repository (`HMR_SHARED`, or `../shared` beside it). Where the folder is
//! missing, each test says so and ends. Vectors that this crate answers otherwise than the reference
//! are named in the test together with our answer.

mod file_writes;
mod legacy_to_v2;
mod records;
mod shared;
mod text_names;
mod text_table;
