//! What the attribute expands to, laid out. After a change: `INSTA_UPDATE=always cargo test -p athm-macros`.

use super::*;

/// Compares with the snapshot of the test's name, which holds what the attribute leaves behind and nothing else.
macro_rules! assert_expands {
    ($arguments:literal, $item:literal) => {
        let tokens = |text: &str| text.parse().expect("it is written as tokens");
        let file = syn::parse2(receiver(tokens($arguments), tokens($item), Exporter::Core)).expect("it expands to items");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(prettyplease::unparse(&file));
        });
    };
}

#[test]
fn a_sync_receiver_without_parameters() {
    assert_expands!("completed", "fn ring() {}");
}

#[test]
fn an_async_receiver_with_options() {
    assert_expands!(
        r#"cancelled, expired, id = "stock::release", order = -5, sender = "kiosk""#,
        "async fn release<'a>(transaction: &'a Transaction, State(stock): State<Stock>) -> Result<(), StockError> {
            stock.release(transaction).await
        }"
    );
}

#[test]
fn a_blocking_receiver_with_attempts_and_a_timeout() {
    assert_expands!(r#"expired, attempts = 3, timeout = "1500ms", blocking"#, "fn print(transaction: &Transaction) {}");
}

#[test]
fn a_receiver_with_a_condition_a_limit_and_former_ids() {
    assert_expands!(
        r#"completed, if = shop::is_ours, concurrency = 2, backoff = "10s", was = ["shop::old", OLDER]"#,
        "async fn fulfil() {}"
    );
}

#[test]
fn a_parameter_that_is_loaded() {
    assert_expands!("completed", "async fn thank(Loaded(order): Loaded<Order>, signal: Signal) {}");
}

#[test]
fn where_athm_is_re_exported() {
    assert_expands!("completed, crate = my_framework::athm", "fn ring() {}");
}

#[test]
fn several_attributes_expand_one_by_one() {
    assert_expands!(
        r#"completed, id = "fulfil""#,
        r#"#[athm::receiver(expired, id = "release")]
        fn settle() {}"#
    );
}

#[test]
fn parameters_under_cfg_stay_under_it() {
    assert_expands!(
        "received",
        "#[allow(unused_variables)]
        pub(crate) fn count(#[cfg(unix)] signal: Signal, #[allow(unused)] sender: &Sender) {}"
    );
}

#[test]
fn a_wrong_attribute_leaves_the_function_in_place() {
    assert_expands!("complete, ordr = 5", "fn ring(transaction: &Transaction) {}");
}
