//! Changes of the reference: what becomes of the files, who sees it, and what is refused.

mod conditions;
mod derived;
mod folder;
mod foreign;
mod refused;
mod seen;
mod table;
