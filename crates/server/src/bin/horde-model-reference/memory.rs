//! Memory that large documents needed for a moment goes back to the system.

/// Blocks of this size or more are mapped, and unmapped when freed. It is glibc's own first value;
/// left alone it grows with the largest block freed, and then half of what a start and every change
/// needed for a moment stays with the process for good.
#[cfg(target_env = "gnu")]
const MAPPED_FROM: libc::c_int = 128 * 1024;

/// Keeps the allocator from keeping what is freed.
#[cfg(target_env = "gnu")]
pub(crate) fn give_back() {
    #[expect(
        unsafe_code,
        reason = "glue to C: sets one number of the allocator, touches no memory"
    )]
    // SAFETY: mallopt may be called at any time and takes plain integers.
    let accepted = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM) };
    // The worst that follows from a refusal is memory in use.
    debug_assert_eq!(accepted, 1);
}

/// Other allocators have their own ways.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
