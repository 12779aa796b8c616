//! A test that doesn't name them.

#[test]
fn a_test_has_no_receivers_that_it_does_not_name() {
    assert!(athm_core::dispatch::Dispatcher::linked().receivers().is_empty());
}
