//! Memory that large documents needed for a moment goes back to the system.

/// Settings of glibc's allocator, and why.
#[cfg(target_env = "gnu")]
const SETTINGS: [(libc::c_int, libc::c_int); 2] = [
    // Blocks of this size or more are mapped, and unmapped when freed. It is the first value of the
    // allocator's own; left alone it grows with the largest block freed.
    (libc::M_MMAP_THRESHOLD, 128 * 1024),
    // Threads that load, build and compress in turn would each keep a pool of their own for what
    // they need for a moment. Requests are served from the small caches every thread has anyway.
    (libc::M_ARENA_MAX, 1),
];

/// Keeps the allocator from keeping what is freed. To be called before any thread is started.
#[cfg(target_env = "gnu")]
pub(crate) fn give_back() {
    for (setting, value) in SETTINGS {
        #[expect(unsafe_code, reason = "glue to C: sets a number of the allocator's")]
        // SAFETY: mallopt may be called at any time, takes plain integers and touches no memory.
        let accepted = unsafe { libc::mallopt(setting, value) };
        // The worst that follows from a refusal is memory in use.
        debug_assert_eq!(accepted, 1);
    }
}

/// Other allocators have their own ways.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}
