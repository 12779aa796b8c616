//! The server: how a store starts on it, its passing errors, failovers and collations.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn an_acknowledgement_outlasts_errors_that_pass() {
    for code in ["57014", "53100", "53200", "58030"] {
        let fixture = StoreFixture::in_real_time().await;
        fixture.record(1).await.unwrap();
        let (id, attempt) = fixture.running()[0];
        // A number of a sequence isn't given back by a rollback.
        fixture
            .query(&format!(
                "CREATE SEQUENCE tries; CREATE TABLE trouble AS SELECT 1;
                 CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); \
                 IF EXISTS (SELECT 1 FROM trouble) THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END IF; \
                 RETURN new; END $$;
                 CREATE TRIGGER fail BEFORE UPDATE ON athm_delivery FOR EACH ROW EXECUTE FUNCTION fail()"
            ))
            .await;
        let at = fixture.clock.steady();
        let acknowledged = fixture.store.acknowledge(Acknowledgement {
            id,
            attempt,
            at,
            outcome: AttemptOutcome::Succeeded,
            run: None,
        });
        let heal = async {
            fixture.until("SELECT last_value >= 3 FROM tries", "t").await;
            fixture.query("DELETE FROM trouble").await;
        };
        let (acknowledged, ()) = futures_util::future::join(acknowledged, heal).await;
        acknowledged.unwrap();
        assert_eq!(fixture.query("SELECT state FROM athm_delivery").await, ["succeeded"], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_connection_that_has_lost_its_statements_is_made_again() {
    let fixture = StoreFixture::in_real_time().await;
    fixture.record(1).await.unwrap();
    assert_eq!(fixture.store.list_payments(TransactionQuery::new()).await.unwrap().transactions().len(), 1);
    fixture.store.reader.session().await.unwrap().run("DEALLOCATE ALL").await.unwrap();
    assert_eq!(fixture.store.list_payments(TransactionQuery::new()).await.unwrap().transactions().len(), 1);
}

/// A proxy in front of the server. While `is_standby` is set, its sessions can only read, as those of a standby.
async fn standby(server: &str, is_standby: Arc<AtomicBool>) -> String {
    let config: tokio_postgres::Config = server.parse().unwrap();
    let tokio_postgres::config::Host::Tcp(host) = config.get_hosts()[0].clone() else { panic!("no host") };
    let port = config.get_ports()[0];
    let there = format!("{host}:{port}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let here = listener.local_addr().unwrap().to_string();
    let address = there.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&there).await.unwrap();
            let is_standby = Arc::clone(&is_standby);
            tokio::spawn(async move {
                let mut startup = vec![0; 65_536];
                let read = client.read(&mut startup).await.unwrap_or(0);
                startup.truncate(read);
                let (off, on) = (b"read_only=off", b"read_only=on ");
                if is_standby.load(SeqCst)
                    && let Some(place) = startup.windows(off.len()).position(|word| word == off)
                {
                    startup[place..place + on.len()].copy_from_slice(on);
                }
                if server.write_all(&startup).await.is_ok() {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    server.replace(&address, &here)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a server: tests/with-postgres"]
async fn of_several_hosts_one_that_has_become_a_standby_is_passed_over() {
    let is_standby = Arc::new(AtomicBool::new(false));
    let url = with_settings(&StoreFixture::schema().await, "-cdefault_transaction_read_only%3Doff");
    let first = standby(&url, Arc::clone(&is_standby)).await;
    let host_of = |url: &str| url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
    let both = first.replace(&host_of(&first), &format!("{},{}", host_of(&first), host_of(&url)));
    let name = format!("failover_{}", Uuid::now_v7().simple());
    let fixture = StoreFixture::on(format!("{both}&application_name={name}"), Clock::system(), 8, Batching::Grouped);
    let fixture = fixture.await;
    fixture.record(1).await.unwrap();
    is_standby.store(true, SeqCst);
    query(&url, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"))
        .await;
    let mut recorded = fixture.record(2).await;
    for _ in 0..5 {
        recorded = fixture.record(3).await;
    }
    recorded.unwrap();
    // A single host that has become a standby can't be used to start with.
    let (context, _unstarted) = context(&Clock::system(), 0, Batching::Grouped);
    assert!(matches!(Postgres::open(&first, context).await, Err(StoreError::Database(_))));
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn no_index_depends_on_the_collation_of_the_database() {
    let fixture = StoreFixture::new(0).await;
    let sql = "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
               CROSS JOIN LATERAL unnest(i.indcollation::oid[]) AS used (oid) \
               JOIN pg_collation p ON p.oid = used.oid \
               WHERE c.relnamespace = current_schema()::regnamespace AND p.collname <> 'C'";
    assert_eq!(fixture.query(sql).await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_database_that_cannot_store_every_text_is_refused() {
    let name = format!("latin_{}", Uuid::now_v7().simple());
    let create = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    query(&server(), &format!("CREATE DATABASE {name} {create}")).await;
    let database = server().rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
    let url = server().replace(&format!("/{database}"), &format!("/{name}"));
    let (context, _unstarted) = context(&Clock::system(), 0, Batching::Grouped);
    let opened = Postgres::open(&url, context).await;
    assert!(matches!(opened, Err(StoreError::Encoding { ref found }) if found == "LATIN1"));
    drop(opened);
    query(&server(), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn a_health_check_writes_and_fails_on_a_database_that_can_only_be_read() {
    let fixture = StoreFixture::new(8).await;
    fixture.store.ping().await.unwrap();
    let schema = fixture.query("SELECT current_schema()").await.remove(0);
    // Every statement that changes a row is refused, as on a standby.
    fixture
        .query(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON {schema}.athm_migration FOR EACH STATEMENT EXECUTE FUNCTION refuse();
             CREATE TRIGGER refuse BEFORE INSERT ON {schema}.athm_transaction FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
        ))
        .await;
    fixture.store.ping().await.unwrap();
    fixture.record(1).await.unwrap_err();
    fixture.store.ping().await.unwrap_err();
    fixture.clock.advance(Duration::from_secs(10));
    fixture.store.ping().await.unwrap_err();
    fixture.query("DROP TRIGGER refuse ON athm_migration; DROP TRIGGER refuse ON athm_transaction").await;
    fixture.record(1).await.unwrap();
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server: tests/with-postgres"]
async fn processes_that_start_together_migrate_once_whatever_the_servers_isolation() {
    let url = format!("{}%20-cdefault_transaction_isolation%3Dserializable", StoreFixture::schema().await);
    let opened = (0..4).map(|_| StoreFixture::on(url.clone(), Clock::manual(), 0, Batching::Grouped));
    let opened = join_all(opened).await;
    assert_eq!(opened.len(), 4);
    let session = opened[0].store.reader.session().await.unwrap();
    let isolation = session.one("SHOW transaction_isolation", values![], |row| row.text()).await.unwrap();
    assert_eq!(isolation.as_deref(), Some("read committed"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_a_connection_and_never_answers_is_an_error() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("postgres://athm@{}/athm", silent.local_addr().unwrap());
    let (context, _unstarted) = context(&Clock::manual(), 0, Batching::Grouped);
    let error = Postgres::open(&url, context).await.err().expect("it never answers");
    assert!(format!("{error:?}").contains("didn't answer in time"), "{error:?}");
}
