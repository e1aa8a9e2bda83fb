//! Real processes and sockets for the tests.
