//! TLS against a real server, whose certificate is for `localhost` and is signed by an authority of its own.

use std::time::Duration;

use athm_core::Athm;
use athm_core::dispatch::Dispatcher;
use athm_core::errors::StartError;
use athm_tests::PostgresDatabase;

use crate::variable;

/// Whether the connections are encrypted, or why there are none.
async fn connected(host: &str, tls: &str) -> Result<bool, StartError> {
    let database = PostgresDatabase::new();
    let url = format!("{}&{tls}", database.url().replace("@127.0.0.1:", &format!("@{host}:")));
    let athm = Athm::builder().database_url(url).trust_callbacks().dispatcher(Dispatcher::empty()).start().await?;
    athm.ping().await.unwrap();
    let (_, name) = database.url().rsplit_once('=').map(|(rest, name)| (rest.to_owned(), name.to_owned())).unwrap();
    let encrypted = database.query(&format!(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{name}'"
    ));
    athm.shutdown(Duration::ZERO).await;
    assert_eq!(encrypted.len(), 1, "all of its connections are alike");
    Ok(encrypted[0] == "t")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_uses_the_tls_mode_of_the_url() {
    let roots = format!("sslrootcert={}", variable("ATHM_TEST_POSTGRES_AUTHORITY"));
    for (host, tls, is_encrypted) in [
        ("127.0.0.1", String::from("sslmode=disable"), false),
        ("127.0.0.1", String::from("connect_timeout=9"), false),
        ("127.0.0.1", String::from("sslmode=prefer"), true),
        ("127.0.0.1", String::from("sslmode=require"), true),
        ("127.0.0.1", format!("sslmode=require&{roots}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&{roots}"), true),
        ("localhost", format!("{roots}&sslmode=verify-full"), true),
    ] {
        assert_eq!(connected(host, &tls).await.unwrap(), is_encrypted, "{host} {tls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_certificate_is_a_start_error() {
    let roots = format!("sslrootcert={}", variable("ATHM_TEST_POSTGRES_AUTHORITY"));
    for (host, tls) in [
        // It is for another name.
        ("127.0.0.1", format!("sslmode=verify-full&{roots}")),
        // The system's roots don't include its authority.
        ("localhost", String::from("sslmode=verify-full")),
        ("localhost", String::from("sslmode=verify-ca")),
        ("localhost", String::from("sslmode=sometimes")),
    ] {
        let error = connected(host, &tls).await.expect_err(&tls);
        assert!(matches!(error, StartError::Store(_)), "{tls}: {error:?}");
    }
}
