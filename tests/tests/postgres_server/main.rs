//! What becomes of it all when the server itself does something: it speaks TLS, it restarts. These tests have a server to
//! themselves:
//!
//!     tests/with-postgres cargo test -p athm-tests --features postgres --test postgres_server -- --test-threads 1

mod restarts;
mod tls;

/// What `tests/with-postgres` tells of its server.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: run this through tests/with-postgres"))
}
