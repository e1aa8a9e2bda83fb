//! Which category an input is for.

use horde_model_reference::Category;

/// The category that the first byte stands for (`a` is the first of them, so that seeds can be read),
/// and the rest of the input.
pub fn category(input: &[u8]) -> Option<(Category, &[u8])> {
    let (first, rest) = input.split_first()?;
    let index = usize::from(first.wrapping_sub(b'a')) % Category::COUNT;
    Some((Category::ALL[index], rest))
}
