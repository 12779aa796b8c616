//! Whether the provider takes the tokens is asked before the first customer pays.

use std::time::Duration;

use athm_core::Athm;
use athm_core::errors::CredentialError;
use athm_core::provider::Client;
use athm_core::testing::{ClientBuilderExt as _, Clock};
use athm_simulator::{Endpoint, Fault, Outage, Simulator};
use athm_tests::{completed_payment, eventually, trusting_builder};

use crate::log::Log;
use crate::{Database, SimulatorFixture};

#[tokio::test]
async fn right_tokens_are_right_and_change_nothing() {
    let fixture = SimulatorFixture::open().await;
    fixture.athm.check_credentials().await.unwrap();
    assert_eq!(fixture.simulator.requests().len(), 2);
    assert!(fixture.simulator.payments().is_empty());
}

#[tokio::test]
async fn a_refused_token_is_distinguished_from_the_other_and_from_an_outage() {
    let fixture = SimulatorFixture::open().await;
    fixture.simulator.fail_with(Outage::Unauthorized);
    assert!(matches!(fixture.athm.check_credentials().await, Err(CredentialError::PublicToken(_))));
    fixture.simulator.fail_with(Outage::Unavailable);
    assert!(matches!(fixture.athm.check_credentials().await, Err(CredentialError::Provider(_))));
    fixture.simulator.recover();
    fixture.simulator.fail_next(Endpoint::Report, Fault::Unauthorized);
    assert!(matches!(fixture.athm.check_credentials().await, Err(CredentialError::PrivateToken(_))));
    fixture.athm.check_credentials().await.unwrap();
}

#[tokio::test]
async fn a_start_checks_the_tokens_in_the_background() {
    let (simulator, database) = (Simulator::start().await.unwrap(), Database::default());
    let builder = Athm::builder().tokens("the public token", "the private token").api_url(simulator.url());
    let builder = builder.database_url(database.url()).dispatcher(athm_core::dispatch::Dispatcher::empty());
    let athm = builder.start().await.unwrap();
    eventually(async || simulator.requests().len() == 2).await;
    athm.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn trusted_callbacks_have_no_tokens_to_check() {
    let database = Database::default();
    let athm = trusting_builder(&database, athm_core::dispatch::Dispatcher::empty()).start().await.unwrap();
    assert!(matches!(athm.check_credentials().await, Err(CredentialError::NoProvider)));
}

#[tokio::test]
async fn refused_tokens_and_another_business_are_an_error_at_most_once_a_minute() {
    let (simulator, clock, log) = (Simulator::start().await.unwrap(), Clock::manual(), Log::default());
    let client = Client::builder("public", "private").api_url(simulator.url()).clock(clock.clone()).business_id("ours");
    let client = client.build().unwrap();
    let theirs = simulator.insert(completed_payment().business_id("theirs"));
    let _listening = log.listen();
    for expected in [
        "the provider refuses the tokens: see Athm::check_credentials",
        "the provider's answers are of another business than ATHM_BUSINESS_ID: is it, or a token, wrong?",
    ] {
        let before = log.lines("ERROR").len();
        for _ in 0..2 {
            if expected.contains("tokens:") {
                simulator.fail_next(Endpoint::Find, Fault::Unauthorized);
            }
            client.find(&theirs).await.unwrap_err();
        }
        let errors = log.lines("ERROR").split_off(before);
        assert_eq!((errors.len(), errors[0].contains(expected)), (1, true), "{errors:?}");
        clock.advance(Duration::from_secs(60));
    }
}
