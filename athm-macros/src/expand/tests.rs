//! What the attribute expands to, laid out. After a change: `INSTA_UPDATE=always cargo test -p athm-macros`.

use super::*;

#[test]
fn a_sync_receiver_without_parameters() {
    insta::assert_snapshot!(expanded(
        quote!(completed),
        quote!(
            fn ring() {}
        )
    ));
}

#[test]
fn an_async_receiver_with_every_option() {
    let arguments = quote!(cancelled, expired, id = "stock::release", order = -5, sender = "kiosk", crate = my::athm);
    let item = quote! {
        async fn release<'a>(transaction: &'a Transaction, State(stock): State<Stock>) -> Result<(), StockError> {
            stock.release(transaction).await
        }
    };
    insta::assert_snapshot!(expanded(arguments, item));
}

#[test]
fn a_blocking_receiver_with_attempts_and_a_timeout() {
    insta::assert_snapshot!(expanded(
        quote!(expired, id = "print", attempts = 3, timeout = "1500ms", blocking, crate = athm),
        quote!(
            fn print() {}
        )
    ));
}

#[test]
fn several_attributes_expand_one_by_one() {
    insta::assert_snapshot!(expanded(
        quote!(completed, id = "fulfil", crate = athm),
        quote!(
            #[athm::receiver(expired, id = "release")]
            fn settle() {}
        )
    ));
}

#[test]
fn parameters_under_cfg_stay_under_it() {
    let item = quote! {
        #[allow(unused_variables)]
        pub(crate) fn count(#[cfg(unix)] signal: Signal, #[allow(unused)] sender: &Sender) {}
    };
    insta::assert_snapshot!(expanded(quote!(received), item));
}

#[test]
fn a_wrong_attribute_leaves_the_function_in_place() {
    insta::assert_snapshot!(expanded(
        quote!(complete, ordr = 5),
        quote!(
            fn ring(transaction: &Transaction) {}
        )
    ));
}

fn expanded(arguments: TokenStream, item: TokenStream) -> String {
    let file = syn::parse2(receiver(arguments, item)).expect("an expansion parses");
    prettyplease::unparse(&file)
}
