//! A test is a program of its own.

athm_core::link!(handlers);

#[test]
fn a_test_has_the_receivers_that_it_names() {
    let receivers = athm_core::dispatch::Dispatcher::linked().receivers();
    let ids: Vec<_> = receivers.iter().map(|receiver| receiver.id()).collect();
    assert_eq!(ids, ["handlers::fulfil", "handlers::stock::release"]);
}
