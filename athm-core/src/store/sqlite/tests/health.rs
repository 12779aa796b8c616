//! Health checks: whether payments can be recorded.

use super::*;

const INTERVAL: Duration = Duration::from_secs(10);

impl StoreFixture {
    async fn pragma(&self, name: &'static str, value: u32) {
        let set = move |connection: &Connection| Ok(connection.pragma_update(None, name, value)?);
        self.store.writer.write(set, |()| ()).await.unwrap();
    }
}

#[tokio::test]
async fn a_health_check_fails_from_the_first_write_on_that_finds_the_disk_full() {
    let fixture = StoreFixture::with_slots(8);
    fixture.store.ping().await.unwrap();
    fixture.pragma("max_page_count", 1).await;
    let mut n = 0;
    while fixture.record(n).await.is_ok() {
        n += 1;
        fixture.store.ping().await.unwrap();
    }
    fixture.store.ping().await.unwrap_err();
    // What writes no page succeeds, and shows nothing.
    let now = fixture.clock.steady();
    fixture.store.claim_pending_messages(now, now).await.unwrap();
    fixture.store.ping().await.unwrap_err();
    fixture.pragma("max_page_count", 1_000_000).await;
    fixture.record(n).await.unwrap();
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn a_health_check_of_an_idle_program_writes_every_ten_seconds() {
    let fixture = StoreFixture::with_slots(8);
    fixture.record(1).await.unwrap();
    fixture.store.fail_when_busy().await.unwrap();
    let other = Connection::open(StoreFixture::path(&fixture.folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..100 {
        fixture.store.ping().await.unwrap();
    }
    fixture.clock.advance(INTERVAL);
    fixture.store.ping().await.unwrap_err();
    other.execute_batch("COMMIT").unwrap();
    fixture.store.ping().await.unwrap_err();
    fixture.clock.advance(INTERVAL);
    fixture.store.ping().await.unwrap();
}
