//! x
/// x
pub fn group_of(name: &str) -> String {
    name.into()
}
