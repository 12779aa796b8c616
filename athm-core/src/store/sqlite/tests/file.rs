//! The file itself: its name, its permissions, its journal, and what is left of it after closing.

use std::fs;

use super::*;
use crate::store::sqlite::find::{by_id, with_details};
use crate::store::sqlite::open::MAX_WAL_BYTES;

fn opened(path: &str) -> Result<Sqlite, StoreError> {
    Sqlite::open(path, context(&Clock::manual(), 0, Batching::Grouped).0)
}

/// A connection as another program opens it.
fn foreign(folder: &TempDir) -> Connection {
    Connection::open(StoreFixture::path(folder)).unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_store_is_refused_by_whatever_link_it_reaches_the_file() {
    let fixture = StoreFixture::with_slots(0);
    let link = |name: &str| fixture.folder.path().join(name);
    std::os::unix::fs::symlink("athm.db", link("file.db")).unwrap();
    std::os::unix::fs::symlink(".", link("folder")).unwrap();
    for path in [link("file.db"), link("folder").join("athm.db"), link("folder").join("file.db")] {
        let refused = opened(&path.display().to_string()).map(drop);
        assert!(matches!(refused, Err(StoreError::InUse { .. })), "{path:?}: {refused:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_file_that_does_not_exist_yet_creates_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink("athm.db", &link).unwrap();
    let store = opened(&link.display().to_string()).unwrap();
    let refused = opened(&StoreFixture::path(&folder)).map(drop);
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    store.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_new_database() {
    use std::os::unix::fs::PermissionsExt;

    let fixture = StoreFixture::with_slots(0);
    fixture.record(1).await.unwrap();
    let files = fs::read_dir(fixture.folder.path()).unwrap().map(Result::unwrap);
    let modes: Vec<_> =
        files.map(|file| (file.file_name(), file.metadata().unwrap().permissions().mode() & 0o777)).collect();
    assert!(modes.len() >= 3 && modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[tokio::test]
async fn a_read_sees_one_state_of_the_database_while_a_payment_changes() {
    let fixture = StoreFixture::with_slots(0);
    let id = fixture.record(1).await.unwrap().transaction.id;
    let (has_read, read) = mpsc::channel::<()>();
    let (has_written, written) = mpsc::channel::<()>();
    let found = fixture.store.reader.read(move |connection| {
        let found = by_id(connection, id)?.unwrap();
        has_read.send(()).unwrap();
        written.recv().unwrap();
        with_details(connection, found)
    });
    let changed = tokio::task::spawn_blocking(move || read.recv().unwrap());
    changed.await.unwrap();
    let delete = |connection: &Connection| Ok(execute(connection, "DELETE FROM athm_item", [])?);
    fixture.store.writer.write(delete, |()| ()).await.unwrap();
    has_written.send(()).unwrap();
    assert_eq!(found.await.unwrap().items.len(), 1);
    assert_eq!(fixture.count("SELECT count(*) FROM athm_item").await, 0);
}

#[tokio::test]
async fn after_closing_the_file_alone_holds_everything() {
    let fixture = StoreFixture::with_slots(0);
    fixture.record(1).await.unwrap();
    // A read that is under way when the store is closed.
    let (go_on, held) = mpsc::channel::<()>();
    let reading = fixture.store.reader.read(move |_| Ok(held.recv().is_ok()));
    let closed = fixture.store.close();
    go_on.send(()).unwrap();
    closed.await.unwrap();
    assert!(reading.await.unwrap());
    let copy = fixture.folder.path().join("copy.db");
    fs::copy(StoreFixture::path(&fixture.folder), &copy).unwrap();
    let copied = Connection::open(copy).unwrap();
    let count: u32 = copied.query_row("SELECT count(*) FROM athm_transaction", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_write_ahead_log_that_grew_beside_a_reader_is_logged_and_then_cut() {
    let fixture = StoreFixture::with_slots(0);
    let reader = foreign(&fixture.folder);
    reader.execute_batch("BEGIN; SELECT count(*) FROM athm_transaction").unwrap();
    let fill = |connection: &Connection| {
        let sql = format!("CREATE TABLE big AS SELECT zeroblob({}) AS bytes", MAX_WAL_BYTES + 1);
        Ok(connection.execute_batch(&sql)?)
    };
    fixture.store.writer.write(fill, |()| ()).await.unwrap();
    let mut wal = Wal::new(StoreFixture::path(&fixture.folder).as_ref(), MAX_WAL_BYTES);
    assert!(wal.excess().is_some());
    assert_eq!(wal.excess(), None, "it is logged once a minute");

    reader.execute_batch("COMMIT").unwrap();
    // The first commit moves the pages into the file, the second begins the log anew.
    fixture.record(1).await.unwrap();
    fixture.record(2).await.unwrap();
    let length = fs::metadata(fixture.folder.path().join("athm.db-wal")).unwrap().len();
    assert!(length <= MAX_WAL_BYTES, "{length}");
}

#[test]
fn a_database_that_cannot_have_a_write_ahead_log_is_refused() {
    let connection = Connection::open_in_memory().unwrap();
    let refused = open::configure(&connection);
    assert!(matches!(&refused, Err(StoreError::JournalMode { found }) if found == "memory"), "{refused:?}");
}

#[tokio::test]
async fn the_file_is_marked_as_athms_and_that_of_another_application_is_refused() {
    let fixture = StoreFixture::with_slots(0);
    let marked = fixture.count("PRAGMA application_id").await;
    assert_eq!(marked.to_be_bytes(), *b"athm");
    fixture.store.close().await.unwrap();
    foreign(&fixture.folder).pragma_update(None, "application_id", 7).unwrap();
    let refused = opened(&StoreFixture::path(&fixture.folder)).map(drop);
    assert!(matches!(refused, Err(StoreError::OtherApplication { found: 7 })), "{refused:?}");
}

#[tokio::test]
async fn a_restart_with_the_clock_behind_delays_no_retry_by_the_error() {
    let fixture = StoreFixture::with_slots(0);
    fixture.clock.advance(Duration::from_secs(3600));
    fixture.record(1).await.unwrap();
    let claimed = fixture.claim().await[0];
    let retry_at = Some(later(fixture.clock.steady(), Duration::from_secs(20)));
    fixture.acknowledge(claimed, AttemptOutcome::Failed { error: String::from("no"), retry_at }).await;
    let StoreFixture { store, folder, .. } = fixture;
    store.close().await.unwrap();

    // This clock shows the time of an hour before.
    let clock = Clock::manual();
    let (context, unstarted) = context(&clock, 0, Batching::Grouped);
    let outbox = context.outbox.clone();
    let store = Sqlite::open(&StoreFixture::path(&folder), context).unwrap();
    let fixture = StoreFixture { store, clock, outbox, unstarted, folder };
    assert_eq!(fixture.claim().await, [], "the pause isn't over");
    fixture.clock.advance(Duration::from_secs(22));
    assert_eq!(fixture.claim().await.len(), 1);
    fixture.store.close().await.unwrap();

    // A clock that is ahead changes nothing.
    let path = StoreFixture::path(&fixture.folder);
    let again = Sqlite::open(&path, crate::store::fixtures::context(&fixture.clock, 0, Batching::Grouped).0).unwrap();
    assert_eq!(
        again.list_deliveries(DeliverySelection::One(claimed.0)).await.unwrap()[0].due_at,
        Timestamp::UNIX_EPOCH
    );
}
